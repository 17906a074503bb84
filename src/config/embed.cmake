# Writes catalogue_text.cpp: the catalogue's files as strings of the program.
# cmake -DDEVICES=devices.toml -DNETWORKS=networks.toml -DMODELS=models.toml
#       -DOUTPUT=catalogue_text.cpp -P embed.cmake
file(READ ${DEVICES} devices)
file(READ ${NETWORKS} networks)
file(READ ${MODELS} models)
file(WRITE ${OUTPUT} "// Made from data/devices.toml, networks.toml and models.toml by src/config/embed.cmake.
#include \"config/catalogue.hpp\"

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

} // namespace headroom::config
")
