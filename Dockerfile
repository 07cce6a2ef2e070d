# docker build --target vitrine .      worker and starter
# docker build --target stripesim .    the Stripe emulator

FROM golang:1.26.8-alpine AS build
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
WORKDIR /src
RUN apk add --no-cache ca-certificates && mkdir -m 1777 /empty
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .

FROM build AS build-vitrine
ARG VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w -X main.release=$VERSION" -o /out/ ./worker ./starter

FROM build AS build-stripesim
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    cd sandbox && go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/stripesim

FROM scratch AS bare
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chmod=1777 /empty /tmp
USER 65532:65532

FROM bare AS stripesim
COPY --from=build-stripesim /out/stripesim /usr/local/bin/
EXPOSE 12111
ENTRYPOINT ["/usr/local/bin/stripesim"]

FROM bare AS vitrine
COPY --from=build-vitrine /out/worker /out/starter /usr/local/bin/
EXPOSE 9464
ENTRYPOINT ["/usr/local/bin/worker"]
