<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis styleCategories="Symbology" version="3.22.16-Białowieża">
 <renderer-v2 referencescale="-1" type="categorizedSymbol" symbollevels="0" attr="status" forceraster="0" enableorderby="0">
  <categories>
   <category symbol="0" label="located" value="located" render="true" />
   <category symbol="1" label="ambiguous" value="ambiguous" render="true" />
   <category symbol="2" label="rejected" value="rejected" render="true" />
   <category symbol="3" label="unreadable" value="unreadable" render="true" />
   <category symbol="4" label="corrected" value="corrected" render="true" />
  </categories>
  <symbols>
   <symbol name="0" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="SimpleFill" enabled="1" locked="0">
     <Option type="Map">
      <Option name="border_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="color" type="QString" value="0,158,115,25" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="0,158,115,200" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="style" type="QString" value="solid" />
     </Option>
     <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
     <prop v="0,158,115,25" k="color" />
     <prop v="bevel" k="joinstyle" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="0,158,115,200" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="solid" k="style" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" />
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="1" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="SimpleFill" enabled="1" locked="0">
     <Option type="Map">
      <Option name="border_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="color" type="QString" value="230,159,0,25" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="230,159,0,200" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="style" type="QString" value="solid" />
     </Option>
     <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
     <prop v="230,159,0,25" k="color" />
     <prop v="bevel" k="joinstyle" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="230,159,0,200" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="solid" k="style" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" />
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="2" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="SimpleFill" enabled="1" locked="0">
     <Option type="Map">
      <Option name="border_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="color" type="QString" value="213,94,0,25" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="213,94,0,200" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="style" type="QString" value="solid" />
     </Option>
     <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
     <prop v="213,94,0,25" k="color" />
     <prop v="bevel" k="joinstyle" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="213,94,0,200" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="solid" k="style" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" />
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="3" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="SimpleFill" enabled="1" locked="0">
     <Option type="Map">
      <Option name="border_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="color" type="QString" value="102,102,102,25" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="102,102,102,200" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="style" type="QString" value="solid" />
     </Option>
     <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
     <prop v="102,102,102,25" k="color" />
     <prop v="bevel" k="joinstyle" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="102,102,102,200" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="solid" k="style" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" />
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="4" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="SimpleFill" enabled="1" locked="0">
     <Option type="Map">
      <Option name="border_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="color" type="QString" value="0,114,178,25" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="0,114,178,200" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="style" type="QString" value="solid" />
     </Option>
     <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
     <prop v="0,114,178,25" k="color" />
     <prop v="bevel" k="joinstyle" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="0,114,178,200" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="solid" k="style" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" />
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
  </symbols>
  <rotation />
  <sizescale />
 </renderer-v2>
 <blendMode>0</blendMode>
 <featureBlendMode>0</featureBlendMode>
 <layerGeometryType>2</layerGeometryType>
</qgis>
