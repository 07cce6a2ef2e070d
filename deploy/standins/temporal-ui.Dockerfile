FROM vitrine-standin:alpine
WORKDIR /home/ui-server
COPY ui-server ./
COPY ui.yaml config/docker.yaml
USER temporal
EXPOSE 8080
ENTRYPOINT ["./ui-server", "--env", "docker", "start"]
