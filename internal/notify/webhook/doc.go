// Package webhook sends signed HTTP requests by the Standard Webhooks scheme, version 1
// (https://www.standardwebhooks.com), and says what became of each.
//
// A request carries three headers: webhook-id, the same for every try of one delivery, so that the
// receiver can drop a twin; webhook-timestamp, the Unix seconds of this try; and webhook-signature,
// "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body", once per secret: while a secret is
// being replaced there are two, separated by a space, and the receiver accepts either.
//
// Nothing is tried twice here and nothing is waited for but one answer: when to try again is the
// caller's business.
package webhook
