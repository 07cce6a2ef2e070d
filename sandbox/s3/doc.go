// Package s3 serves an S3 endpoint from this process: versitygw over a directory.
//
// versitygw has two traits that its users must know. It changes the working directory of the process, so every path has
// to be absolute while it runs; and it keeps globals, so a process can run one at a time. It also announces its
// directories on os.Stdout when it starts.
package s3
