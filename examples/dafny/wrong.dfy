// The second bound should be `<=`: an empty range has no room between its ends.
method Between(low: int, high: int) returns (middle: int)
  requires low <= high
  ensures low <= middle < high
{
  middle := low + (high - low) / 2;
}
