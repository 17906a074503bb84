# Writes catalogue_text.cpp: the catalogue's files, and what README.md says of keys, as strings of
# the program.
# cmake -DDEVICES=devices.toml -DNETWORKS=networks.toml -DMODELS=models.toml -DREADME=README.md
#       -DOUTPUT=catalogue_text.cpp -P embed.cmake
file(READ ${DEVICES} devices)
file(READ ${NETWORKS} networks)
file(READ ${MODELS} models)
file(READ ${README} keys)
string(FIND "${keys}" "## Values" first)
string(FIND "${keys}" "## Files in reading order" last)
if(first LESS 0 OR last LESS first)
    message(FATAL_ERROR "${README} lacks its sections Values ... Files in reading order")
endif()
math(EXPR length "${last} - ${first}")
string(SUBSTRING "${keys}" ${first} ${length} keys)
file(WRITE ${OUTPUT} "// Made from data/devices.toml, networks.toml, models.toml and src/config/README.md by
// src/config/embed.cmake.
#include \"config/catalogue.hpp\"
#include \"config/key_reference.hpp\"

namespace headroom::config {

std::string_view device_profiles_text() {
    return R\"catalogue(${devices})catalogue\";
}

std::string_view network_presets_text() {
    return R\"catalogue(${networks})catalogue\";
}

std::string_view model_presets_text() {
    return R\"catalogue(${models})catalogue\";
}

std::string_view key_reference() {
    return R\"keys(${keys})keys\";
}

} // namespace headroom::config
")
