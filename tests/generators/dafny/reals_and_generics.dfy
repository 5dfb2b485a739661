// Real arithmetic, generic code, functions as values.

method Mean(a: real, b: real) returns (m: real)
  requires a <= b
  ensures a <= m <= b
{
  m := (a + b) / 2.0;
}

lemma Square(x: real)
  ensures x * x >= 0.0
{
}

method Floor(x: real) returns (n: int)
  ensures (n as real) <= x < (n as real) + 1.0
{
  n := x.Floor;
}

method Choose<T>(first: bool, a: T, b: T) returns (r: T)
  ensures r == a || r == b
{
  r := if first then a else b;
}

method Swap<A, B>(p: (A, B)) returns (q: (B, A))
  ensures q.0 == p.1 && q.1 == p.0
{
  q := (p.1, p.0);
}

function Twice<T>(f: T -> T, x: T): T { f(f(x)) }

lemma TwiceAddsTwo(x: int)
  ensures Twice((y: int) => y + 1, x) == x + 2
{
}

method Apply(f: int -> int, n: nat) returns (r: int)
  requires forall x :: f(x) > x
  ensures r >= n
{
  r := 0;
  var i := 0;
  while i < n
    invariant 0 <= i <= n && r >= i
  {
    r := f(r);
    i := i + 1;
  }
}

// Not below one.
lemma FalseGrowth(x: real)
  requires x > 0.0
  ensures x * x >= x
{
}

// A mean of the same two is neither below nor above.
method FalseMean(a: real, b: real) returns (m: real)
  requires a <= b
  ensures a < m < b
{
  m := (a + b) / 2.0;
}
