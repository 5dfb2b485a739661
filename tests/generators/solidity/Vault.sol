// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// States, structs, arrays and modifiers.
contract Vault {
    enum State { Open, Locked, Closed }
    struct Deposit { address from; uint64 amount; }

    State private state;
    address private immutable owner = msg.sender;
    Deposit[] private deposits;
    uint256 private total;

    modifier only(State wanted) {
        require(state == wanted);
        _;
    }

    function put(uint64 amount) public only(State.Open) {
        require(total < 1000000 && amount > 0);
        deposits.push(Deposit(msg.sender, amount));
        total += amount;
        assert(deposits[deposits.length - 1].amount == amount);
        assert(total >= amount);
    }

    function lock() public only(State.Open) {
        require(msg.sender == owner);
        state = State.Locked;
    }

    function close() public only(State.Locked) {
        state = State.Closed;
        assert(state != State.Open);
    }
}
