FROM vitrine-standin:alpine
COPY versitygw /usr/local/bin/
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
