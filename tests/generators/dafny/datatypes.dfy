// Inductive datatypes, generic ones among them, functions over them, and induction.

datatype List<T> = Nil | Cons(head: T, tail: List<T>)

datatype Tree = Leaf | Node(left: Tree, value: int, right: Tree)

datatype Colour = Red | Green | Blue

function Length<T>(l: List<T>): nat { match l case Nil => 0 case Cons(_, t) => 1 + Length(t) }

function Append<T>(a: List<T>, b: List<T>): List<T> {
  match a case Nil => b case Cons(h, t) => Cons(h, Append(t, b))
}

function Mirror(t: Tree): Tree {
  match t case Leaf => Leaf case Node(l, v, r) => Node(Mirror(r), v, Mirror(l))
}

function Size(t: Tree): nat { match t case Leaf => 0 case Node(l, _, r) => Size(l) + 1 + Size(r) }

function Next(c: Colour): Colour { match c case Red => Green case Green => Blue case Blue => Red }

lemma AppendLength<T>(a: List<T>, b: List<T>)
  ensures Length(Append(a, b)) == Length(a) + Length(b)
{
}

lemma AppendAssociates<T>(a: List<T>, b: List<T>, c: List<T>)
  ensures Append(Append(a, b), c) == Append(a, Append(b, c))
{
}

lemma MirrorTwice(t: Tree)
  ensures Mirror(Mirror(t)) == t && Size(Mirror(t)) == Size(t)
{
}

lemma ThreeTurns(c: Colour)
  ensures Next(Next(Next(c))) == c && Next(c) != c
{
}

method Contains(t: Tree, x: int) returns (found: bool)
  ensures t.Leaf? ==> !found
  ensures t.Node? && t.value == x ==> found
{
  match t {
    case Leaf => found := false;
    case Node(l, v, r) =>
      found := v == x;
      if !found { found := Contains(l, x); }
      if !found { found := Contains(r, x); }
  }
}

// Only of trees that are symmetric.
lemma FalseMirror(t: Tree)
  ensures Mirror(t) == t
{
}

// A list may be empty.
method FalseHead<T>(l: List<T>) returns (h: T)
{
  h := l.head;
}
