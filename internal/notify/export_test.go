package notify

// AttemptLeaf is by which digest an attempt is in the ledger.
var AttemptLeaf = attemptLeaf

// WindowFields are a window's merge values as Go writes them.
var WindowFields = windowFields
