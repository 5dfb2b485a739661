method Absolute(x: int) returns (y: int)
  ensures y == x || y == -x
  ensures 0 <= y
{
  if x < 0 { y := -x; } else { y := x; }
}

function Fibonacci(n: nat): nat
{
  if n < 2 then n else Fibonacci(n - 1) + Fibonacci(n - 2)
}

lemma Grows(n: nat)
  ensures Fibonacci(n) <= Fibonacci(n + 1)
{
}

method Search(a: array<int>, key: int) returns (found: int)
  requires forall i, j :: 0 <= i < j < a.Length ==> a[i] <= a[j]
  ensures 0 <= found ==> found < a.Length && a[found] == key
  ensures found < 0 ==> forall k :: 0 <= k < a.Length ==> a[k] != key
{
  var low, high := 0, a.Length;
  while low < high
    invariant 0 <= low <= high <= a.Length
    invariant forall i :: 0 <= i < a.Length && !(low <= i < high) ==> a[i] != key
  {
    var middle := (low + high) / 2;
    if key < a[middle] { high := middle; } else if a[middle] < key { low := middle + 1; } else { return middle; }
  }
  return -1;
}
