// Package news says what a platform is told of its accounts without having to ask: that a catalog was synced, that
// something is the matter with a catalog, an order or an account, and that it is over. What tells it, and how it gets
// there, is for others: this room knows the words alone.
//
// A trouble is told twice, when it begins and when it is over. Every piece of news has an id that is made of what it is
// about, so that the same news has the same id whoever tells it and however often.
package news
