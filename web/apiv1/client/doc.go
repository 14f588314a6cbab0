// Package client is the Go client of Fairnotice's API. It imports nothing of Fairnotice's.
//
// Operations have one method each, made from the API's OpenAPI document (operations.go). A method
// returns an Answer: the body, and the ETag that an edit is based on. What isn't a success is a
// *Problem, which names what is wrong, where, and how to mend it:
//
//	var p *client.Problem
//	if errors.As(err, &p) && p.Code == "changed_meanwhile" { … }
//
// Reads and writes are tried again when the connection fails, when the server is away for a moment and
// when the key's rate is used up. That is safe: a write carries an idempotency key, the same at each
// try, so the server does it once. Who wants a write to be safe over a crash of their own program as
// well gives a key made from what is written (IdempotencyKey).
//
// Long lists come in pages; methods that begin with All go over all of them. Fields that weren't asked
// for (fields) are zero.
package client

//go:generate go run generate.go
