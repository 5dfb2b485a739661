// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// Pure functions: branches, a loop, division, signed numbers, bits.
contract Arithmetic {
    function max(uint256 a, uint256 b) public pure returns (uint256 r) {
        r = a > b ? a : b;
        assert(r >= a && r >= b && (r == a || r == b));
    }

    function share(uint256 amount, uint256 parts) public pure returns (uint256 each, uint256 rest) {
        require(parts > 0 && parts < 100 && amount < 1000000);
        each = amount / parts;
        rest = amount % parts;
        assert(rest < parts);
    }

    function distance(int128 a, int128 b) public pure returns (int256 d) {
        d = int256(a) - int256(b);
        if (d < 0) d = -d;
        assert(d >= 0);
    }

    function nibbles(uint8 x) public pure returns (uint8 low, uint8 high) {
        low = x & 0x0f;
        high = x >> 4;
        assert(low <= 15);
        assert(high <= 15);
    }
}
