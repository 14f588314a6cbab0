package notify

// AttemptLeaf is by which digest an attempt is in the ledger.
var AttemptLeaf = attemptLeaf
