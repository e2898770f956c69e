# docker build .                              a resolver's plugins
# docker build --build-arg TAGS=full .        all of CoreDNS's plugins

FROM golang:1.26 AS build
ARG TAGS=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -tags "$TAGS" -ldflags "-s -w" -o /out/usr/bin/coredns ./cmd/coredns \
 && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/usr/bin/blocklistctl ./cmd/blocklistctl
RUN mkdir -p /out/etc/ssl/certs /out/etc/blocklist/orders /out/var/lib/blocklist \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && cp packaging/container/Corefile /out/etc/blocklist/Corefile \
 && cp packaging/debian/root/etc/blocklist/orders/orders.yaml /out/etc/blocklist/orders/ \
 && echo 'blocklist:x:65532:65532::/var/lib/blocklist:/sbin/nologin' >/out/etc/passwd \
 && chown -R 65532:65532 /out/var/lib/blocklist

FROM scratch
COPY --from=build /out /
USER 65532:65532
EXPOSE 1053/udp 1053/tcp 9153/tcp
VOLUME /var/lib/blocklist
ENTRYPOINT ["/usr/bin/coredns"]
CMD ["-conf", "/etc/blocklist/Corefile"]
