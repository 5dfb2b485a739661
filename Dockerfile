# pop, pop-verifier and the pinned solver, as `make install` puts them. compose.yml starts a whole network of it.

FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /project
# The solver first: it changes seldom, and is not fetched again when the code changes.
COPY scripts scripts
RUN sh scripts/setup.sh solver
COPY . .
RUN make install DESTDIR=/installed

FROM debian:bookworm-slim
# The solver's library is C++.
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/proof-of-proof proof-of-proof
COPY --from=build /installed/ /
COPY --chown=root:root config /var/lib/proof-of-proof/config
USER proof-of-proof
WORKDIR /var/lib/proof-of-proof
# Genesis, keys, vote logs and databases; a volume that is mounted here belongs to the same user.
RUN mkdir -m 700 data
VOLUME /var/lib/proof-of-proof/data
STOPSIGNAL SIGTERM
ENTRYPOINT ["pop"]
CMD ["--help"]
