package stripesim

import (
	"net/http"
	"time"

	"vitrine/internal/simcontrol"
)

// keyMemory is how an API remembers its keys.
type keyMemory struct {
	lifetime time.Duration
	failures bool // replays failures; otherwise a call that failed is executed again
}

var (
	// Stripe prunes v1's keys "after at least 24 hours"; a client may not count on more.
	v1Keys = keyMemory{lifetime: 24 * time.Hour, failures: true}
	v2Keys = keyMemory{lifetime: 30 * 24 * time.Hour}
)

// maxKeyLength is Stripe's limit for an Idempotency-Key.
const maxKeyLength = 255

// idempotencyScope is where a key is unique: keys of two accounts do not meet.
type idempotencyScope struct {
	account string
	api     string
	key     string
}

// idempotentCall is a key that is in use, or the answer that it brought.
type idempotentCall struct {
	done    bool
	digest  string
	answer  answer
	expires time.Time
}

// operation is a call whose parameters were read but not judged yet.
type operation struct {
	digest string         // of method, path and every parameter, an uploaded file's bytes included
	run    func() outcome // judges the parameters and does the work
	drop   func()         // forgets what reading the parameters left behind, if run is not called
}

// outcome is an answer, and whether the endpoint had begun its work when it gave it. Only then the answer is stored
// under the key: parameters that fail validation leave the key free.
type outcome struct {
	answer answer
	stored bool
}

func refused(e apiError) outcome { return outcome{answer: e.answer()} }

// prepare reads the parameters of a call.
type prepare func(r *http.Request) (operation, *apiError)

// idempotency remembers answers by the keys of their calls.
type idempotency struct {
	*core
	keys map[idempotencyScope]*idempotentCall
}

func (h *idempotency) forgetLocked() { h.keys = map[idempotencyScope]*idempotentCall{} }

// idempotent gives an endpoint Stripe's idempotency: the first answer under a key is replayed to every later call with
// the same parameters, failures included if the API remembers them; other parameters, or a call while the first one is
// running, are refused.
func (h *idempotency) idempotent(api string, memory keyMemory, read prepare) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			h.perform(w, r, read, nil, memory)
			return
		}
		if len(key) > maxKeyLength {
			apiError{
				Status: http.StatusBadRequest, Type: idempotencyError,
				Message: "Idempotency keys may be at most 255 characters long.",
			}.write(w)
			return
		}
		w.Header().Set("Idempotency-Key", key)
		scope := idempotencyScope{account: stateOf(r).account, api: api, key: key}
		entry, inUse := h.claim(scope, memory)
		if inUse {
			apiError{
				Status: http.StatusConflict, Type: idempotencyError, Code: "idempotency_key_in_use",
				Message: "There is currently another in-progress request using this Idempotency-Key. Wait for it to " +
					"finish, then try again.",
			}.write(w)
			return
		}
		defer h.release(scope, entry)
		h.perform(w, r, read, entry, memory)
	}
}

// claim finds the entry of a key, or makes one and marks it as in use. A finished entry may be read by many at once.
func (h *idempotency) claim(scope idempotencyScope, memory keyMemory) (entry *idempotentCall, inUse bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.options.Now()
	h.pruneLocked(now)
	entry, found := h.keys[scope]
	if !found {
		entry = &idempotentCall{expires: now.Add(memory.lifetime)}
		h.keys[scope] = entry
		return entry, false
	}
	return entry, !entry.done
}

func (h *idempotency) pruneLocked(now time.Time) {
	for scope, entry := range h.keys {
		if entry.done && !now.Before(entry.expires) {
			delete(h.keys, scope)
		}
	}
}

// release frees a key whose call ended without an answer worth keeping.
func (h *idempotency) release(scope idempotencyScope, entry *idempotentCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !entry.done && h.keys[scope] == entry {
		delete(h.keys, scope)
	}
}

func (h *idempotency) perform(
	w http.ResponseWriter, r *http.Request, read prepare, entry *idempotentCall, memory keyMemory,
) {
	requestID := w.Header().Get("Request-Id")
	op, failed := read(r)
	if failed != nil {
		failed.write(w)
		return
	}
	if entry != nil && entry.done {
		op.drop()
		h.replay(w, r, op, entry)
		return
	}
	result := h.runWithFault(op, stateOf(r).fault)
	if entry != nil && result.stored && (memory.failures || result.answer.failure == nil) {
		h.mu.Lock()
		entry.done, entry.digest, entry.answer = true, op.digest, result.answer
		h.mu.Unlock()
	}
	result.answer.write(w, requestID)
}

func (h *idempotency) replay(w http.ResponseWriter, r *http.Request, op operation, entry *idempotentCall) {
	if entry.digest != op.digest {
		apiError{
			Status: http.StatusBadRequest, Type: idempotencyError,
			Message: "Keys for idempotent requests can only be used with the same parameters they were first " +
				"used with.",
		}.write(w)
		return
	}
	stateOf(r).request.replay()
	w.Header().Set("Idempotent-Replayed", "true")
	entry.answer.write(w, w.Header().Get("Request-Id"))
}

// runWithFault does the work, or fails in its place if a fault with a stored answer is armed.
func (h *idempotency) runWithFault(op operation, fault *simcontrol.Fault) outcome {
	if fault == nil || fault.Kind != simcontrol.FaultStatus {
		return op.run()
	}
	op.drop()
	return outcome{answer: faultError(fault).answer(), stored: true}
}
