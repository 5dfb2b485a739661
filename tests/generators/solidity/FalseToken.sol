// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// Who sends to himself loses nothing: the second assertion does not hold.
contract FalseToken {
    mapping(address => uint256) private balance;

    constructor() {
        balance[msg.sender] = 1000;
    }

    function transfer(address to, uint256 amount) public {
        require(balance[msg.sender] >= amount && amount > 0);
        require(balance[to] <= type(uint256).max - amount);
        uint256 before = balance[msg.sender];
        balance[msg.sender] -= amount;
        assert(balance[msg.sender] < before);
        balance[to] += amount;
        assert(balance[msg.sender] < before);
    }
}
