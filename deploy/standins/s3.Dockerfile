FROM vitrine-standin:alpine
COPY bin/versitygw /usr/local/bin/
COPY s3-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
