# docker build --target vitrine --build-arg VERSION=v1.2.3 .    worker and starter
# docker build --target stripesim .                             the Stripe emulator
#
# It needs its base image and Go's modules, and no builder beyond docker's own.

FROM golang:1.26.8-alpine AS build
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
WORKDIR /src
RUN mkdir -p /skeleton/etc/ssl/certs && mkdir -m 1777 /skeleton/tmp && cp /etc/ssl/certs/ca-certificates.crt /skeleton/etc/ssl/certs/
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM build AS build-vitrine
ARG VERSION=unknown
RUN go build -trimpath -ldflags="-s -w -X main.release=$VERSION" -o /out/ ./worker ./starter

FROM build AS build-stripesim
RUN cd sandbox && go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/stripesim

FROM scratch AS bare
COPY --from=build /skeleton/ /
USER 65532:65532

FROM bare AS stripesim
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Vitrine's Stripe emulator" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build-stripesim /out/stripesim /usr/local/bin/
EXPOSE 12111
ENTRYPOINT ["/usr/local/bin/stripesim"]

FROM bare AS vitrine
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Vitrine" \
      org.opencontainers.image.description="Keeps product catalogs in front of AI agents, and turns what they buy into fulfilled orders" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build-vitrine /out/worker /out/starter /usr/local/bin/
EXPOSE 8080 9464 9465
ENTRYPOINT ["/usr/local/bin/worker"]
