// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// An invariant over all sequences of calls, which bounded model checking does not see.
// Engine: chc
contract Counter {
    uint256 private n;
    bool private ever;

    function up() public {
        if (n < 10) n = n + 1;
        ever = true;
    }

    function reset() public {
        n = 0;
    }

    function check() public view {
        assert(ever || n == 0);
    }
}
