// Classes on the heap with ghost state, frames, and what stays untouched.

class Counter {
  var value: int;
  ghost var history: seq<int>;

  predicate Valid()
    reads this
  {
    |history| > 0 && history[|history| - 1] == value
  }

  constructor (first: int)
    ensures Valid() && value == first
  {
    value, history := first, [first];
  }

  method Add(step: nat)
    requires Valid()
    modifies this
    ensures Valid() && value == old(value) + step
    ensures |history| == |old(history)| + 1
  {
    value := value + step;
    history := history + [value];
  }

  method FalseAdd(step: nat)
    requires Valid()
    modifies this
    ensures Valid()
  {
    value := value + step;
  }
}

class Queue {
  var items: array<int>;
  var start: nat;
  var size: nat;
  ghost var model: seq<int>;

  predicate Valid()
    reads this, items
  {
    start + size <= items.Length && model == items[start..start + size]
  }

  method Pop() returns (x: int)
    requires Valid() && |model| > 0
    modifies this
    ensures Valid() && model == old(model)[1..] && x == old(model)[0]
  {
    x := items[start];
    start, size, model := start + 1, size - 1, model[1..];
  }
}

method Separate(a: Counter, b: Counter)
  requires a.Valid() && b.Valid() && a != b
  modifies a
  ensures b.value == old(b.value)
{
  a.Add(3);
}

// They may be the same.
method FalseSeparate(a: Counter, b: Counter)
  requires a.Valid() && b.Valid()
  modifies a
  ensures b.value == old(b.value)
{
  a.Add(3);
}
