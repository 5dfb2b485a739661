// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// Reached after three calls.
contract FalseCounter {
    uint8 private n;

    function up() public {
        if (n < 3) n = n + 1;
    }

    function check() public view {
        assert(n < 3);
    }
}
