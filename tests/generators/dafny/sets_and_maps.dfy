// Sets, multisets and maps.

lemma Distributes(a: set<int>, b: set<int>, c: set<int>)
  ensures a * (b + c) == (a * b) + (a * c)
{
}

lemma WithoutIsSmaller<T>(s: set<T>, x: T)
  requires x in s
  ensures |s - {x}| == |s| - 1
{
}

method Update(m: map<int, int>, k: int, v: int) returns (n: map<int, int>)
  ensures k in n && n[k] == v
  ensures forall j :: j in m && j != k ==> j in n && n[j] == m[j]
{
  n := m[k := v];
}

method Bag(a: multiset<int>, x: int) returns (b: multiset<int>)
  ensures b[x] == a[x] + 1 && |b| == |a| + 1
{
  b := a + multiset{x};
}

method Evens(n: nat) returns (s: set<int>)
  ensures forall i :: i in s <==> 0 <= i < n && i % 2 == 0
{
  s := {};
  var i := 0;
  while i < n
    invariant 0 <= i && i % 2 == 0
    invariant n <= i ==> i <= n + 1
    invariant forall j :: j in s <==> 0 <= j < i && j < n && j % 2 == 0
    decreases n + 1 - i
  {
    s := s + {i};
    i := i + 2;
  }
}

method Keys(m: map<int, bool>) returns (s: set<int>)
  ensures s == m.Keys
{
  s := set k | k in m;
}

// A union may have an element twice.
lemma FalseSize(a: set<int>, b: set<int>)
  ensures |a + b| == |a| + |b|
{
}

// The key need not be there.
method FalseLookup(m: map<int, int>, k: int) returns (v: int)
{
  v := m[k];
}
