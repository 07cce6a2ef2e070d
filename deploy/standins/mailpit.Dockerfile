FROM vitrine-standin:alpine
COPY mailpit /mailpit
EXPOSE 1025/tcp 8025/tcp
ENTRYPOINT ["/mailpit"]
