FROM vitrine-standin:debian
COPY go /usr/local/go
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
ARG GOPROXY
ENV GOPATH=/go GOTOOLCHAIN=local GOPROXY=$GOPROXY PATH=/go/bin:/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /go
