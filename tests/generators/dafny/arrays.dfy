// Arrays on the heap: searching, filling, sorting, and what a frame says.

predicate Sorted(a: array<int>)
  reads a
{
  forall i, j :: 0 <= i < j < a.Length ==> a[i] <= a[j]
}

method BinarySearch(a: array<int>, key: int) returns (index: int)
  requires Sorted(a)
  ensures 0 <= index ==> index < a.Length && a[index] == key
  ensures index < 0 ==> forall k :: 0 <= k < a.Length ==> a[k] != key
{
  var low, high := 0, a.Length;
  while low < high
    invariant 0 <= low <= high <= a.Length
    invariant forall i :: 0 <= i < a.Length && !(low <= i < high) ==> a[i] != key
  {
    var mid := (low + high) / 2;
    if a[mid] < key { low := mid + 1; }
    else if key < a[mid] { high := mid; }
    else { return mid; }
  }
  return -1;
}

method Fill(a: array<int>, value: int)
  modifies a
  ensures forall i :: 0 <= i < a.Length ==> a[i] == value
{
  var i := 0;
  while i < a.Length
    invariant 0 <= i <= a.Length && forall j :: 0 <= j < i ==> a[j] == value
  {
    a[i] := value;
    i := i + 1;
  }
}

method InsertionSort(a: array<int>)
  modifies a
  ensures Sorted(a) && multiset(a[..]) == multiset(old(a[..]))
{
  var up := 0;
  while up < a.Length
    invariant 0 <= up <= a.Length
    invariant forall i, j :: 0 <= i < j < up ==> a[i] <= a[j]
    invariant multiset(a[..]) == multiset(old(a[..]))
  {
    var down := up;
    while down >= 1 && a[down - 1] > a[down]
      invariant 0 <= down <= up
      invariant forall i, j :: 0 <= i < j <= up && j != down ==> a[i] <= a[j]
      invariant multiset(a[..]) == multiset(old(a[..]))
    {
      a[down - 1], a[down] := a[down], a[down - 1];
      down := down - 1;
    }
    up := up + 1;
  }
}

method Maximum(a: array<int>) returns (m: int)
  requires a.Length > 0
  ensures forall i :: 0 <= i < a.Length ==> a[i] <= m
  ensures exists i :: 0 <= i < a.Length && a[i] == m
{
  m := a[0];
  var i := 1;
  while i < a.Length
    invariant 1 <= i <= a.Length
    invariant forall j :: 0 <= j < i ==> a[j] <= m
    invariant exists j :: 0 <= j < i && a[j] == m
  {
    if a[i] > m { m := a[i]; }
    i := i + 1;
  }
}

// Does not require the array to be sorted.
method FalseSearch(a: array<int>, key: int) returns (index: int)
  ensures index < 0 ==> forall k :: 0 <= k < a.Length ==> a[k] != key
{
  var low, high := 0, a.Length;
  while low < high
    invariant 0 <= low <= high <= a.Length
    invariant forall i :: 0 <= i < a.Length && !(low <= i < high) ==> a[i] != key
  {
    var mid := (low + high) / 2;
    if a[mid] < key { low := mid + 1; }
    else if key < a[mid] { high := mid; }
    else { return mid; }
  }
  return -1;
}

// Reads one element beyond the end.
method FalseLast(a: array<int>) returns (last: int)
  requires a.Length > 0
{
  last := a[a.Length];
}
