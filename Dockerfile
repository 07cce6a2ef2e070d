# docker build --target vitrine --build-arg VERSION=v1.2.3 .    worker and starter
# docker build --target stripesim .                             the Stripe emulator
#
# It needs its base image and Go's modules, and no builder beyond docker's own. What is in the images has one time, which is
# SOURCE_DATE_EPOCH, so that the same source makes the same layers. REVISION (a commit) and SOURCE (the repository's
# address) are labels alone.
#
# BuildKit compiles on the platform that it runs on, for those that are asked for (--platform linux/amd64,linux/arm64).
# The classic builder says neither, and refuses an empty platform: linux is its own, and an empty GOARCH is Go's own.

FROM --platform=${BUILDPLATFORM:-linux} golang:1.26.8-alpine AS source
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
WORKDIR /src
ARG SOURCE_DATE_EPOCH=0
RUN mkdir -p /out/bare/etc/ssl/certs && mkdir -m 1777 /out/bare/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /out/bare/etc/ssl/certs/ && \
    find /out/bare -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM source AS build
ARG VERSION=unknown
ARG SOURCE_DATE_EPOCH=0
ARG TARGETOS
ARG TARGETARCH
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w -X main.release=$VERSION" \
        -o /out/vitrine/usr/local/bin/ ./worker ./starter && \
    find /out/vitrine -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

# It goes on with what was compiled for the others.
FROM build AS build-stripesim
ARG SOURCE_DATE_EPOCH=0
ARG TARGETOS
ARG TARGETARCH
RUN cd sandbox && GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags='-s -w' \
        -o /out/stripesim/usr/local/bin/ ./cmd/stripesim && \
    find /out/stripesim -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

FROM scratch AS bare
COPY --from=source /out/bare/ /
USER 65532:65532

FROM bare AS stripesim
ARG VERSION=unknown
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="Vitrine's Stripe emulator" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=build-stripesim /out/stripesim/ /
EXPOSE 12111
ENTRYPOINT ["/usr/local/bin/stripesim"]

FROM bare AS vitrine
ARG VERSION=unknown
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="Vitrine" \
      org.opencontainers.image.description="Keeps product catalogs in front of AI agents, and turns what they buy into fulfilled orders" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=build /out/vitrine/ /
EXPOSE 8080 8089 9464 9465
ENTRYPOINT ["/usr/local/bin/worker"]
