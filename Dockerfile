# One image with all programs: api, worker (which also migrates), and fairnotice for the shell.
#   docker build -t fairnotice .
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Static programs: the image below has no C library.
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./cmd/api ./cmd/worker ./cmd/fairnotice

# No shell and no package manager; certificates, and a user that isn't root (65532).
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/api /out/worker /out/fairnotice /usr/local/bin/
USER nonroot:nonroot
ENV LISTEN_ADDR=0.0.0.0:8080 LOG_FORMAT=json
EXPOSE 8080
# Of api; whoever runs worker says ["worker", "health"], as compose.yaml does.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["/usr/local/bin/api", "health"]
CMD ["/usr/local/bin/api"]
