// Loops over integers, recursive functions, division and remainder.

function Fib(n: nat): nat { if n < 2 then n else Fib(n - 1) + Fib(n - 2) }

function Gcd(a: nat, b: nat): nat
  requires a > 0 && b > 0
  decreases a + b
{
  if a == b then a else if a < b then Gcd(a, b - a) else Gcd(a - b, b)
}

method ComputeFib(n: nat) returns (b: nat)
  ensures b == Fib(n)
{
  var i, a := 0, 1;
  b := 0;
  while i < n
    invariant 0 <= i <= n && b == Fib(i) && a == Fib(i + 1)
  {
    a, b := a + b, a;
    i := i + 1;
  }
}

method Divide(x: int, y: int) returns (q: int, r: int)
  requires y > 0
  ensures x == q * y + r && 0 <= r < y
{
  q, r := x / y, x % y;
}

method SquareRoot(n: nat) returns (r: nat)
  ensures r * r <= n < (r + 1) * (r + 1)
{
  r := 0;
  while (r + 1) * (r + 1) <= n
    invariant r * r <= n
    decreases n - r * r
  {
    r := r + 1;
  }
}

method Euclid(m: nat, n: nat) returns (a: nat)
  requires m > 0 && n > 0
  ensures a == Gcd(m, n)
{
  a := m;
  var b := n;
  while a != b
    invariant a > 0 && b > 0 && Gcd(a, b) == Gcd(m, n)
    decreases a + b
  {
    if a < b { b := b - a; } else { a := a - b; }
  }
}

// Starts one too far.
method FalseFib(n: nat) returns (b: nat)
  ensures b == Fib(n)
{
  var i, a := 0, 1;
  b := 1;
  while i < n
    invariant 0 <= i <= n && b == Fib(i) && a == Fib(i + 1)
  {
    a, b := a + b, a;
    i := i + 1;
  }
}

// The remainder may be zero.
method FalseRemainder(x: int, y: int) returns (r: int)
  requires y > 0
  ensures r > 0
{
  r := x % y;
}
