// Package doctor looks at what has to be right for a deployment to work and for an account to sell: a table of checks,
// each of which says what it found and the one command or page that mends it. A check changes nothing that stays.
//
// What a process asks before it starts (internal/preflight) is asked here too, by the same checks. Whatever else there
// is to look at is behind ports, and nothing here knows how it is printed.
package doctor
