// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

// Takes from an array that may be empty, and reads beyond one.
contract FalseVault {
    uint256[] private items;

    function put(uint256 item) public {
        items.push(item);
    }

    function take() public {
        items.pop();
    }

    function third() public view returns (uint256) {
        return items[2];
    }
}
