// Words of fixed width by the solver's own functions.

function {:bvbuiltin "bvadd"} add(x: bv32, y: bv32): bv32;
function {:bvbuiltin "bvsub"} sub(x: bv32, y: bv32): bv32;
function {:bvbuiltin "bvand"} and(x: bv32, y: bv32): bv32;
function {:bvbuiltin "bvor"} or(x: bv32, y: bv32): bv32;
function {:bvbuiltin "bvxor"} xor(x: bv32, y: bv32): bv32;
function {:bvbuiltin "bvnot"} not(x: bv32): bv32;
function {:bvbuiltin "bvule"} ule(x: bv32, y: bv32): bool;
function {:bvbuiltin "bvult"} ult(x: bv32, y: bv32): bool;

procedure DeMorgan(x: bv32, y: bv32)
{
  assert and(x, y) == not(or(not(x), not(y)));
  assert xor(x, y) == and(or(x, y), not(and(x, y)));
  assert not(x) == sub(4294967295bv32, x);
}

procedure PowerOfTwo(x: bv32)
  requires x != 0bv32 && and(x, sub(x, 1bv32)) == 0bv32;
{
  var y: bv32;
  y := sub(x, 1bv32);
  assert ult(y, x);
}

procedure Halfwords(x: bv32) returns (y: bv32)
  ensures y[16:0] == x[32:16] && y[32:16] == x[16:0];
{
  y := x[16:0] ++ x[32:16];
}

procedure Bounded(x: bv32, y: bv32) returns (z: bv32)
  requires ule(x, 255bv32) && ule(y, 255bv32);
  ensures ule(z, 510bv32);
{
  z := add(x, y);
}

// A sum may wrap.
procedure FalseOverflow(x: bv32, y: bv32)
{
  assert ule(x, add(x, y));
}

// Not for zero.
procedure FalsePower(x: bv32)
  requires and(x, sub(x, 1bv32)) == 0bv32;
{
  assert ult(sub(x, 1bv32), x);
}
