package database

// ByIndex is a statement that, for the rest of its transaction, makes the planner join the few rows at
// hand by their keys, however few rows the tables seem to have: a plan that is made, and kept, while
// a notice's rows are being written would else read whole tables again and again when they have grown.
const ByIndex = `select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`
