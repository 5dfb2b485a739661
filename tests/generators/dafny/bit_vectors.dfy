// Fixed-width words, and integers that are bounded by their type.

newtype Byte = x: int | 0 <= x < 256

method Keystream(plain: bv16, key: bv16) returns (again: bv16)
  ensures again == plain
{
  var hidden := plain ^ key;
  again := hidden ^ key;
}

method LowBit(w: bv8) returns (one: bv8)
  ensures one & w == one
  ensures w != 0 ==> one != 0
{
  one := w & (!w + 1);
}

method Average(a: bv8, b: bv8) returns (m: bv8)
  ensures a <= b ==> a <= m <= b
{
  m := (a & b) + ((a ^ b) >> 1);
}

method Masked(w: bv32) returns (r: bv32)
  ensures r <= 0xff
{
  r := (w >> 8) & 0xff;
}

method Saturate(a: Byte, b: Byte) returns (c: Byte)
  ensures c >= a && c >= b
{
  if (a as int) + (b as int) > 255 { c := 255; } else { c := a + b; }
}

// The sum wraps.
method FalseSum(a: bv8, b: bv8) returns (c: bv8)
  ensures c >= a
{
  c := a + b;
}

// So does this, which the type forbids.
method FalseByte(a: Byte, b: Byte) returns (c: Byte)
{
  c := a + b;
}
