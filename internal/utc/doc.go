// Package utc writes a time as the texts for people do, in the one zone that everybody can compare.
package utc
