// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// Balances that no transfer creates or destroys.
contract Token {
    mapping(address => uint256) private balance;
    uint256 private immutable supply;
    address private immutable owner;

    constructor(uint256 initial) {
        supply = initial;
        owner = msg.sender;
        balance[msg.sender] = initial;
        assert(balance[owner] == supply);
    }

    function transfer(address to, uint256 amount) public {
        require(to != msg.sender);
        require(balance[msg.sender] >= amount);
        require(balance[to] <= type(uint256).max - amount);
        uint256 before = balance[msg.sender];
        uint256 received = balance[to];
        balance[msg.sender] -= amount;
        balance[to] += amount;
        assert(balance[msg.sender] == before - amount);
        assert(balance[to] == received + amount);
    }
}
