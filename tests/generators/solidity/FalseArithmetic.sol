// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// The sum may overflow, and the divisor may be zero.
contract FalseArithmetic {
    function mean(uint256 a, uint256 b) public pure returns (uint256) {
        return (a + b) / 2;
    }

    function ratio(uint256 a, uint256 b) public pure returns (uint256) {
        return a / b;
    }
}
