// Package mail is a mail catcher: an SMTP server that takes every mail and delivers none, with a page to look at what
// came.
//
// It keeps the newest mails in memory and forgets them when it stops. A browser finds them at the address of the page;
// the rest of what HTTP answers is for tests and demos, and [Control] is the client for Go. Bodies are JSON.
//
//	GET    /_sim/mails      {"data":[…]}, the oldest first: [Mail]; ?from= and ?to= narrow it
//	GET    /_sim/faults     armed faults and how often each one struck
//	POST   /_sim/faults     arm a fault: [Fault]; answers with its id
//	DELETE /_sim/faults     disarm all of them
//
// A fault strikes the mails that its match fits, by the addresses of the envelope. It strikes `times` times (0 means
// once, -1 until it is disarmed). The first armed fault that fits wins.
//
//	refuse_recipient   answer a recipient with status, 400 to 599
//	refuse             answer the whole mail with status, once it was sent, and forget it
//	lose_answer        take the mail, then cut the connection without an answer
//	hang               take the mail, then say nothing for as long as the client waits
package mail
