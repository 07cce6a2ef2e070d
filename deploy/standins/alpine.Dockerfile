# Alpine's shell and tools are busybox's.
FROM vitrine-standin:debian
RUN ln -sf /bin/busybox /bin/sh && groupadd --gid 1000 temporal && useradd --uid 1000 --gid 1000 temporal
