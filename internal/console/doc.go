// Package console is what people see of Vitrine in a browser, and decide there: accounts, their catalogs, held syncs,
// reports and orders. It is made of pages alone: what it shows and tells is the desk's, as it is for the API and the
// command line, and who may is the tokens' business, as it is for the API.
//
// What it shows is written by merchants, agents and Stripe, and taken for hostile: html/template escapes it where it
// stands, no script and no style is in a page, and the policy of every answer lets the browser run nothing else.
package console
