// Maps as arrays and as a heap, with types of our own and constants that differ.

type Ref;
type Field a;
type Heap = <a>[Ref, Field a]a;

const unique value: Field int;
const unique next: Field Ref;
const null: Ref;
var heap: Heap;

procedure Swap(a: [int]int, i: int, j: int) returns (b: [int]int)
  ensures b[i] == a[j] && b[j] == a[i];
  ensures (forall k: int :: k != i && k != j ==> b[k] == a[k]);
{
  b := a[i := a[j]][j := a[i]];
}

procedure Fill(n: int, v: int) returns (a: [int]int)
  ensures (forall k: int :: 0 <= k && k < n ==> a[k] == v);
{
  var i: int;
  i := 0;
  while (i < n)
    invariant 0 <= i;
    invariant (forall k: int :: 0 <= k && k < i ==> a[k] == v);
  {
    a[i] := v;
    i := i + 1;
  }
}

procedure Write(r: Ref, v: int)
  modifies heap;
  ensures heap[r, value] == v;
  ensures heap[r, next] == old(heap)[r, next];
{
  heap[r, value] := v;
}

procedure TwoCells(p: Ref, q: Ref)
  requires p != q;
  modifies heap;
  ensures heap[p, value] == 1 && heap[q, value] == 2;
{
  call Write(q, 2);
  heap[p, value] := 1;
}

procedure Copied(a: [int]bool) returns (b: [int]bool)
  ensures b == a;
{
  b := a[7 := true];
  b := b[7 := a[7]];
  assert (forall k: int :: b[k] == a[k]);
  b := a;
}

// They may be the same cell.
procedure FalseCells(p: Ref, q: Ref)
  modifies heap;
  ensures heap[p, value] == 1 && heap[q, value] == 2;
{
  heap[p, value] := 1;
  heap[q, value] := 2;
}

// The last one is not written.
procedure FalseFill(n: int, v: int) returns (a: [int]int)
  requires n > 0;
  ensures (forall k: int :: 0 <= k && k < n ==> a[k] == v);
{
  var i: int;
  i := 0;
  while (i < n - 1)
    invariant 0 <= i && i <= n - 1;
    invariant (forall k: int :: 0 <= k && k < i ==> a[k] == v);
  {
    a[i] := v;
    i := i + 1;
  }
}
