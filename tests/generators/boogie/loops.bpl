// Loops with invariants, and calls by contract.

procedure Sum(n: int) returns (s: int)
  requires n >= 0;
  ensures 2 * s == n * (n + 1);
{
  var i: int;
  i, s := 0, 0;
  while (i < n)
    invariant 0 <= i && i <= n && 2 * s == i * (i + 1);
  {
    i := i + 1;
    s := s + i;
  }
}

procedure Double(x: int) returns (y: int)
  requires x > 0;
  ensures y == 2 * x;
{
  var left: int;
  y, left := 0, x;
  while (left > 0)
    invariant left >= 0 && y + 2 * left == 2 * x;
  {
    y, left := y + 2, left - 1;
  }
}

procedure Quadruple(x: int) returns (y: int)
  requires x > 0;
  ensures y == 4 * x;
{
  call y := Double(x);
  call y := Double(y);
}

procedure Nondeterministic() returns (x: int)
  ensures x == 1 || x == 2;
{
  if (*) { x := 1; } else { goto Two; }
  return;
Two:
  x := 2;
}

// Does not hold for zero, which Double does not take.
procedure FalseCall(x: int) returns (y: int)
  requires x >= 0;
{
  call y := Double(x);
}

// Leaves one out.
procedure FalseSum(n: int) returns (s: int)
  requires n >= 0;
  ensures 2 * s == n * (n + 1);
{
  var i: int;
  i, s := 1, 0;
  while (i < n)
    invariant 1 <= i && 2 * s == i * (i - 1);
  {
    s := s + i;
    i := i + 1;
  }
}
