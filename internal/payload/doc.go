// Package payload encrypts what Vitrine leaves in Temporal: inputs and results, signals, updates, heartbeats, and the
// messages of failures. What is meant to be read without a key stays readable: ids, types, search attributes, and the
// texts that name a run or a step (summaries) or who started it (memos).
//
// It is off without keys, and what was written before they were there is read as it is.
package payload
