// Sequences, strings and recursion over them, with lemmas proved by induction.

function Sum(s: seq<int>): int { if |s| == 0 then 0 else s[0] + Sum(s[1..]) }

function Reverse<T>(s: seq<T>): seq<T> { if |s| == 0 then [] else Reverse(s[1..]) + [s[0]] }

lemma SumOfTwo(a: seq<int>, b: seq<int>)
  ensures Sum(a + b) == Sum(a) + Sum(b)
{
  if |a| == 0 {
    assert a + b == b;
  } else {
    assert (a + b)[1..] == a[1..] + b;
    SumOfTwo(a[1..], b);
  }
}

lemma ReverseKeepsLength<T>(s: seq<T>)
  ensures |Reverse(s)| == |s|
{
}

method Total(s: seq<int>) returns (t: int)
  ensures t == Sum(s)
{
  t := 0;
  var i := 0;
  while i < |s|
    invariant 0 <= i <= |s| && t == Sum(s[..i])
  {
    assert s[..i + 1] == s[..i] + [s[i]];
    SumOfTwo(s[..i], [s[i]]);
    t := t + s[i];
    i := i + 1;
  }
  assert s[..i] == s;
}

method Greet(name: string) returns (r: string)
  requires |name| > 0
  ensures |r| == |name| + 7 && r[..7] == "Hello, " && r[7] == name[0]
{
  r := "Hello, " + name;
}

method Drop(s: seq<nat>, k: nat) returns (r: seq<nat>)
  requires k <= |s|
  ensures r + s[|s| - k..] == s
{
  r := s[..|s| - k];
}

// Wrong where s is empty.
method FalseFirst(s: seq<int>) returns (f: int)
  ensures f in s
{
  if |s| > 0 { f := s[0]; } else { f := 0; }
}

// The order matters.
lemma FalseConcatenation(a: seq<int>, b: seq<int>)
  ensures a + b == b + a
{
}
