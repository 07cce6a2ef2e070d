#!/bin/sh
# Creates the namespace and the search attributes that Vitrine sets. It may run any number of times.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where; the temporal CLI reads them itself.
set -eu

retention=${RETENTION:-168h}

attempt=0
until temporal operator cluster health >/dev/null 2>&1; do
	attempt=$((attempt + 1))
	if [ "$attempt" -ge 60 ]; then
		temporal operator cluster health
		exit 1
	fi
	sleep 1
done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"

# A new namespace reaches every part of the server within seconds: until then the attributes are refused.
attempt=0
until temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
	--name VitrineAccount --type Keyword \
	--name VitrineFeed --type Keyword \
	--name VitrineOutcome --type Keyword \
	--name VitrineRowsFailed --type Int \
	--name VitrineOrderState --type Keyword \
	--name VitrineAgent --type Keyword; do
	attempt=$((attempt + 1))
	if [ "$attempt" -ge 30 ]; then exit 1; fi
	sleep 1
done
