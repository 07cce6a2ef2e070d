# docker build --target vitrine --build-arg VERSION=v1.2.3 .    worker and starter
# docker build --target stripesim .                             the Stripe emulator
#
# It needs its base image and Go's modules, and no builder beyond docker's own. What is in the images has one time, which is
# SOURCE_DATE_EPOCH, so that the same source makes the same layers.

FROM golang:1.26.8-alpine AS source
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
RUN go build -trimpath -ldflags="-s -w -X main.release=$VERSION" -o /out/vitrine/usr/local/bin/ ./worker ./starter && \
    find /out/vitrine -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

# It goes on with what was compiled for the others.
FROM build AS build-stripesim
ARG SOURCE_DATE_EPOCH=0
RUN cd sandbox && go build -trimpath -ldflags='-s -w' -o /out/stripesim/usr/local/bin/ ./cmd/stripesim && \
    find /out/stripesim -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

FROM scratch AS bare
COPY --from=source /out/bare/ /
USER 65532:65532

FROM bare AS stripesim
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Vitrine's Stripe emulator" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build-stripesim /out/stripesim/ /
EXPOSE 12111
ENTRYPOINT ["/usr/local/bin/stripesim"]

FROM bare AS vitrine
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Vitrine" \
      org.opencontainers.image.description="Keeps product catalogs in front of AI agents, and turns what they buy into fulfilled orders" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /out/vitrine/ /
EXPOSE 8080 9464 9465
ENTRYPOINT ["/usr/local/bin/worker"]
