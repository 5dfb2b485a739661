// Functions with axioms and triggers, an order, reals, division.

type Person;
function age(p: Person): int;
function parent(p: Person): Person;
function before(a: Person, b: Person): bool;

axiom (forall p: Person :: { age(p) } age(p) >= 0);
axiom (forall p: Person :: { parent(p) } age(parent(p)) > age(p) + 12);
axiom (forall a, b, c: Person :: { before(a, b), before(b, c) } before(a, b) && before(b, c) ==> before(a, c));

function triangle(n: int): int;
axiom triangle(0) == 0;
axiom (forall n: int :: { triangle(n) } n > 0 ==> triangle(n) == n + triangle(n - 1));

function {:inline} square(x: real): real { x * x }

procedure Grandparent(p: Person)
{
  assert age(parent(parent(p))) > age(p) + 24;
}

procedure Chain(a: Person, b: Person, c: Person, d: Person)
  requires before(a, b) && before(b, c) && before(c, d);
  ensures before(a, d);
{
}

procedure Triangle(n: int) returns (t: int)
  requires n >= 0;
  ensures t == triangle(n);
{
  var i: int;
  i, t := 0, 0;
  while (i < n)
    invariant 0 <= i && i <= n && t == triangle(i);
  {
    i := i + 1;
    t := t + i;
  }
}

procedure Binomial(a: real, b: real)
{
  assert square(a + b) == square(a) + 2.0 * a * b + square(b);
  assert square(a - b) >= 0.0;
}

procedure Halves(x: int) returns (h: int)
  ensures x == 2 * h || x == 2 * h + 1;
{
  h := x div 2;
  assert 0 <= x mod 2 && x mod 2 <= 1;
}

// An order need not be total.
procedure FalseOrder(a: Person, b: Person)
  ensures before(a, b) || before(b, a) || a == b;
{
}

// Of a negative number nothing is known.
procedure FalseTriangle(n: int)
{
  assert triangle(n) >= 0;
}
