// Package objectstore makes every call to S3. It is the only place that knows the AWS SDK, and it says what each error
// means for a retry (internal/fault).
package objectstore
