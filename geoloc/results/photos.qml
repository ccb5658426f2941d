<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis styleCategories="Symbology|Labeling|Fields|Forms|Actions|MapTips" version="3.22.16-Białowieża" labelsEnabled="1">
 <renderer-v2 referencescale="-1" type="categorizedSymbol" symbollevels="0" attr="status" forceraster="0" enableorderby="0">
  <categories>
   <category symbol="0" label="located" value="located" render="true" />
   <category symbol="1" label="ambiguous" value="ambiguous" render="true" />
   <category symbol="2" label="rejected" value="rejected" render="true" />
   <category symbol="3" label="unreadable" value="unreadable" render="true" />
   <category symbol="4" label="corrected" value="corrected" render="true" />
  </categories>
  <symbols>
   <symbol name="0" type="marker" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="geom_from_wkt(&quot;footprint&quot;)" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="geom_from_wkt(&quot;footprint&quot;)" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@0@0" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="0,158,115,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="0,158,115,200" />
        <Option name="outline_style" type="QString" value="solid" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="0,158,115,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="0,158,115,200" k="outline_color" />
       <prop v="solid" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@0@1" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="0,158,115,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="0,158,115,200" />
        <Option name="outline_style" type="QString" value="dash" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="0,158,115,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="0,158,115,200" k="outline_color" />
       <prop v="dash" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="0,158,115,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="arrow" />
      <Option name="offset" type="QString" value="0,-4.20000000000000018" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.2" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="6" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="0,158,115,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="arrow" k="name" />
     <prop v="0,-4.20000000000000018" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.2" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="6" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="angle" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="coalesce(&quot;heading&quot;, 0)" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="&quot;heading&quot; is not null" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="0,158,115,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="circle" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="3.4" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="0,158,115,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="circle" k="name" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="3.4" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="1" type="marker" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="geom_from_wkt(&quot;footprint&quot;)" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="geom_from_wkt(&quot;footprint&quot;)" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@1@0" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="230,159,0,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="230,159,0,200" />
        <Option name="outline_style" type="QString" value="solid" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="230,159,0,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="230,159,0,200" k="outline_color" />
       <prop v="solid" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@1@1" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="230,159,0,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="230,159,0,200" />
        <Option name="outline_style" type="QString" value="dash" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="230,159,0,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="230,159,0,200" k="outline_color" />
       <prop v="dash" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="230,159,0,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="arrow" />
      <Option name="offset" type="QString" value="0,-4.20000000000000018" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.2" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="6" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="230,159,0,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="arrow" k="name" />
     <prop v="0,-4.20000000000000018" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.2" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="6" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="angle" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="coalesce(&quot;heading&quot;, 0)" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="&quot;heading&quot; is not null" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="230,159,0,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="diamond" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="3.4" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="230,159,0,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="diamond" k="name" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="3.4" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="2" type="marker" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="geom_from_wkt(&quot;footprint&quot;)" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="geom_from_wkt(&quot;footprint&quot;)" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@2@0" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="213,94,0,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="213,94,0,200" />
        <Option name="outline_style" type="QString" value="solid" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="213,94,0,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="213,94,0,200" k="outline_color" />
       <prop v="solid" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@2@1" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="213,94,0,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="213,94,0,200" />
        <Option name="outline_style" type="QString" value="dash" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="213,94,0,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="213,94,0,200" k="outline_color" />
       <prop v="dash" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="213,94,0,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="arrow" />
      <Option name="offset" type="QString" value="0,-4.20000000000000018" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.2" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="6" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="213,94,0,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="arrow" k="name" />
     <prop v="0,-4.20000000000000018" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.2" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="6" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="angle" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="coalesce(&quot;heading&quot;, 0)" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="&quot;heading&quot; is not null" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="213,94,0,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="square" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="3.4" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="213,94,0,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="square" k="name" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="3.4" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="3" type="marker" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="geom_from_wkt(&quot;footprint&quot;)" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="geom_from_wkt(&quot;footprint&quot;)" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@3@0" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="102,102,102,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="102,102,102,200" />
        <Option name="outline_style" type="QString" value="solid" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="102,102,102,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="102,102,102,200" k="outline_color" />
       <prop v="solid" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@3@1" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="102,102,102,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="102,102,102,200" />
        <Option name="outline_style" type="QString" value="dash" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="102,102,102,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="102,102,102,200" k="outline_color" />
       <prop v="dash" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="102,102,102,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="arrow" />
      <Option name="offset" type="QString" value="0,-4.20000000000000018" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.2" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="6" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="102,102,102,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="arrow" k="name" />
     <prop v="0,-4.20000000000000018" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.2" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="6" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="angle" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="coalesce(&quot;heading&quot;, 0)" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="&quot;heading&quot; is not null" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="102,102,102,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="cross_fill" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="3.4" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="102,102,102,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="cross_fill" k="name" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="3.4" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
   <symbol name="4" type="marker" clip_to_extent="1" force_rhr="0" alpha="1">
    <data_defined_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </data_defined_properties>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="geom_from_wkt(&quot;footprint&quot;)" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="geom_from_wkt(&quot;footprint&quot;)" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@4@0" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="0,114,178,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="0,114,178,200" />
        <Option name="outline_style" type="QString" value="solid" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="0,114,178,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="0,114,178,200" k="outline_color" />
       <prop v="solid" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="GeometryGenerator" enabled="1" locked="0">
     <Option type="Map">
      <Option name="SymbolType" type="QString" value="Fill" />
      <Option name="geometryModifier" type="QString" value="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" />
      <Option name="units" type="QString" value="MapUnit" />
     </Option>
     <prop v="Fill" k="SymbolType" />
     <prop v="if(&quot;acc95_m&quot; is null, null, make_ellipse($geometry, &quot;acc95_m&quot; / 111132.0, &quot;acc95_m&quot; / (111320.0 * cos(radians(&quot;latitude&quot;))), 0, 72))" k="geometryModifier" />
     <prop v="MapUnit" k="units" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="@map_scale &lt;= 20000" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
     <symbol name="@4@1" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="0,114,178,0" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="0,114,178,200" />
        <Option name="outline_style" type="QString" value="dash" />
        <Option name="outline_width" type="QString" value="0.3" />
        <Option name="outline_width_unit" type="QString" value="MM" />
        <Option name="style" type="QString" value="no" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="0,114,178,0" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="0,114,178,200" k="outline_color" />
       <prop v="dash" k="outline_style" />
       <prop v="0.3" k="outline_width" />
       <prop v="MM" k="outline_width_unit" />
       <prop v="no" k="style" />
       <data_defined_properties>
        <Option type="Map">
         <Option name="name" type="QString" value="" />
         <Option name="properties" />
         <Option name="type" type="QString" value="collection" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="0,114,178,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="arrow" />
      <Option name="offset" type="QString" value="0,-4.20000000000000018" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.2" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="6" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="0,114,178,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="arrow" k="name" />
     <prop v="0,-4.20000000000000018" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.2" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="6" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="angle" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="coalesce(&quot;heading&quot;, 0)" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="enabled" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="&quot;heading&quot; is not null" />
         <Option name="type" type="int" value="3" />
        </Option>
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
    <layer pass="0" class="SimpleMarker" enabled="1" locked="0">
     <Option type="Map">
      <Option name="angle" type="QString" value="0" />
      <Option name="cap_style" type="QString" value="square" />
      <Option name="color" type="QString" value="0,114,178,255" />
      <Option name="horizontal_anchor_point" type="QString" value="1" />
      <Option name="joinstyle" type="QString" value="bevel" />
      <Option name="name" type="QString" value="star" />
      <Option name="offset" type="QString" value="0,0" />
      <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="offset_unit" type="QString" value="MM" />
      <Option name="outline_color" type="QString" value="255,255,255,255" />
      <Option name="outline_style" type="QString" value="solid" />
      <Option name="outline_width" type="QString" value="0.3" />
      <Option name="outline_width_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="outline_width_unit" type="QString" value="MM" />
      <Option name="scale_method" type="QString" value="diameter" />
      <Option name="size" type="QString" value="3.4" />
      <Option name="size_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
      <Option name="size_unit" type="QString" value="MM" />
      <Option name="vertical_anchor_point" type="QString" value="1" />
     </Option>
     <prop v="0" k="angle" />
     <prop v="square" k="cap_style" />
     <prop v="0,114,178,255" k="color" />
     <prop v="1" k="horizontal_anchor_point" />
     <prop v="bevel" k="joinstyle" />
     <prop v="star" k="name" />
     <prop v="0,0" k="offset" />
     <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
     <prop v="MM" k="offset_unit" />
     <prop v="255,255,255,255" k="outline_color" />
     <prop v="solid" k="outline_style" />
     <prop v="0.3" k="outline_width" />
     <prop v="3x:0,0,0,0,0,0" k="outline_width_map_unit_scale" />
     <prop v="MM" k="outline_width_unit" />
     <prop v="diameter" k="scale_method" />
     <prop v="3.4" k="size" />
     <prop v="3x:0,0,0,0,0,0" k="size_map_unit_scale" />
     <prop v="MM" k="size_unit" />
     <prop v="1" k="vertical_anchor_point" />
     <data_defined_properties>
      <Option type="Map">
       <Option name="name" type="QString" value="" />
       <Option name="properties" type="Map">
        <Option name="fillColor" type="Map">
         <Option name="active" type="bool" value="true" />
         <Option name="expression" type="QString" value="set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(&quot;confidence&quot;, 0))" />
         <Option name="type" type="int" value="3" />
        </Option>
       </Option>
       <Option name="type" type="QString" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
  </symbols>
  <rotation />
  <sizescale />
 </renderer-v2>
 <labeling type="simple">
  <settings calloutType="simple">
   <text-style fontSizeMapUnitScale="3x:0,0,0,0,0,0" allowHtml="0" fontStrikeout="0" legendString="Aa" namedStyle="" previewBkgrdColor="255,255,255,255" fieldName="filename" textColor="40,40,40,255" fontWordSpacing="0" fontSizeUnit="Point" blendMode="0" isExpression="0" useSubstitutions="0" fontItalic="0" fontLetterSpacing="0" fontWeight="0" fontKerning="1" textOrientation="horizontal" textOpacity="1" capitalization="0" multilineHeight="1" fontUnderline="0" fontSize="8">
    <families />
    <text-buffer bufferBlendMode="0" bufferJoinStyle="128" bufferColor="255,255,255,220" bufferSizeMapUnitScale="3x:0,0,0,0,0,0" bufferSize="0.80000000000000004" bufferSizeUnits="MM" bufferOpacity="1" bufferDraw="1" bufferNoFill="0" />
    <text-mask maskJoinStyle="128" maskSizeUnits="MM" maskedSymbolLayers="" maskEnabled="0" maskOpacity="1" maskType="0" maskSizeMapUnitScale="3x:0,0,0,0,0,0" maskSize="0" />
    <background shapeSizeY="0" shapeSizeUnit="Point" shapeOpacity="1" shapeSizeX="0" shapeRotationType="0" shapeRadiiX="0" shapeRadiiMapUnitScale="3x:0,0,0,0,0,0" shapeBorderWidthMapUnitScale="3x:0,0,0,0,0,0" shapeOffsetUnit="Point" shapeRadiiUnit="Point" shapeRotation="0" shapeOffsetX="0" shapeBorderColor="128,128,128,255" shapeOffsetY="0" shapeRadiiY="0" shapeOffsetMapUnitScale="3x:0,0,0,0,0,0" shapeSizeType="0" shapeDraw="0" shapeJoinStyle="64" shapeType="0" shapeBorderWidthUnit="Point" shapeBlendMode="0" shapeFillColor="255,255,255,255" shapeSVGFile="" shapeSizeMapUnitScale="3x:0,0,0,0,0,0" shapeBorderWidth="0">
     <symbol name="fillSymbol" type="fill" clip_to_extent="1" force_rhr="0" alpha="1">
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
        <Option name="color" type="QString" value="255,255,255,255" />
        <Option name="joinstyle" type="QString" value="bevel" />
        <Option name="offset" type="QString" value="0,0" />
        <Option name="offset_map_unit_scale" type="QString" value="3x:0,0,0,0,0,0" />
        <Option name="offset_unit" type="QString" value="MM" />
        <Option name="outline_color" type="QString" value="128,128,128,255" />
        <Option name="outline_style" type="QString" value="no" />
        <Option name="outline_width" type="QString" value="0" />
        <Option name="outline_width_unit" type="QString" value="Point" />
        <Option name="style" type="QString" value="solid" />
       </Option>
       <prop v="3x:0,0,0,0,0,0" k="border_width_map_unit_scale" />
       <prop v="255,255,255,255" k="color" />
       <prop v="bevel" k="joinstyle" />
       <prop v="0,0" k="offset" />
       <prop v="3x:0,0,0,0,0,0" k="offset_map_unit_scale" />
       <prop v="MM" k="offset_unit" />
       <prop v="128,128,128,255" k="outline_color" />
       <prop v="no" k="outline_style" />
       <prop v="0" k="outline_width" />
       <prop v="Point" k="outline_width_unit" />
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
    </background>
    <shadow shadowRadius="1.5" shadowColor="0,0,0,255" shadowOffsetUnit="Point" shadowRadiusAlphaOnly="0" shadowOffsetGlobal="1" shadowOpacity="1" shadowRadiusUnit="Point" shadowRadiusMapUnitScale="3x:0,0,0,0,0,0" shadowScale="100" shadowOffsetDist="1" shadowOffsetAngle="135" shadowBlendMode="6" shadowUnder="0" shadowDraw="0" shadowOffsetMapUnitScale="3x:0,0,0,0,0,0" />
    <dd_properties>
     <Option type="Map">
      <Option name="name" type="QString" value="" />
      <Option name="properties" />
      <Option name="type" type="QString" value="collection" />
     </Option>
    </dd_properties>
    <substitutions />
   </text-style>
   <text-format decimals="0" leftDirectionSymbol="&lt;" plussign="0" autoWrapLength="0" rightDirectionSymbol="&gt;" wrapChar="" formatNumbers="0" placeDirectionSymbol="0" multilineAlign="3" reverseDirectionSymbol="0" useMaxLineLengthForAutoWrap="1" addDirectionSymbol="0" />
   <placement xOffset="0" centroidWhole="0" distUnits="MM" overrunDistanceUnit="MM" lineAnchorType="0" fitInPolygonOnly="0" quadOffset="4" overrunDistance="0" yOffset="0" overrunDistanceMapUnitScale="3x:0,0,0,0,0,0" offsetType="0" geometryGeneratorType="PointGeometry" placementFlags="0" repeatDistanceUnits="MM" geometryGeneratorEnabled="0" placement="6" dist="4" repeatDistanceMapUnitScale="3x:0,0,0,0,0,0" maxCurvedCharAngleIn="25" lineAnchorClipping="0" rotationAngle="0" predefinedPositionOrder="TR,TL,BR,BL,R,L,TSR,BSR" preserveRotation="1" geometryGenerator="" polygonPlacementFlags="2" centroidInside="0" labelOffsetMapUnitScale="3x:0,0,0,0,0,0" lineAnchorPercent="0.5" layerType="UnknownGeometry" offsetUnits="MapUnit" priority="0" distMapUnitScale="3x:0,0,0,0,0,0" maxCurvedCharAngleOut="-25" rotationUnit="AngleDegrees" repeatDistance="0" />
   <rendering drawLabels="1" scaleMin="0" maxNumLabels="2000" upsidedownLabels="0" scaleMax="10000" displayAll="0" obstacle="1" limitNumLabels="0" unplacedVisibility="0" fontMaxPixelSize="10000" fontLimitPixelSize="0" obstacleType="0" obstacleFactor="1" labelPerPart="0" fontMinPixelSize="0" minFeatureSize="0" zIndex="0" mergeLines="0" scaleVisibility="1" />
   <dd_properties>
    <Option type="Map">
     <Option name="name" type="QString" value="" />
     <Option name="properties" />
     <Option name="type" type="QString" value="collection" />
    </Option>
   </dd_properties>
  </settings>
 </labeling>
 <blendMode>0</blendMode>
 <featureBlendMode>0</featureBlendMode>
 <fieldConfiguration>
  <field name="photo" configurationFlags="None">
   <editWidget type="ExternalResource">
    <config>
     <Option type="Map">
      <Option name="DocumentViewer" type="QString" value="1" />
      <Option name="FileWidget" type="QString" value="true" />
      <Option name="FileWidgetButton" type="QString" value="true" />
      <Option name="FullUrl" type="QString" value="true" />
      <Option name="RelativeStorage" type="QString" value="0" />
      <Option name="UseLink" type="QString" value="true" />
     </Option>
    </config>
   </editWidget>
  </field>
  <field name="directory" configurationFlags="None">
   <editWidget type="ExternalResource">
    <config>
     <Option type="Map">
      <Option name="FileWidgetButton" type="QString" value="true" />
      <Option name="FullUrl" type="QString" value="true" />
      <Option name="RelativeStorage" type="QString" value="0" />
      <Option name="StorageMode" type="QString" value="1" />
      <Option name="UseLink" type="QString" value="true" />
     </Option>
    </config>
   </editWidget>
  </field>
 </fieldConfiguration>
 <aliases>
  <alias index="0" field="photo" name="Photo" />
  <alias index="1" field="filename" name="File name" />
  <alias index="2" field="directory" name="Folder" />
  <alias index="3" field="altitude" name="Altitude that the photo states, m" />
  <alias index="4" field="direction" name="Direction, degrees from north" />
  <alias index="5" field="rotation" name="Turn by the photo's EXIF, degrees" />
  <alias index="6" field="longitude" name="Longitude, degrees" />
  <alias index="7" field="latitude" name="Latitude, degrees" />
  <alias index="8" field="timestamp" name="Time" />
  <alias index="9" field="photo_rel" name="Photo, from this file's folder" />
  <alias index="10" field="status" name="Status" />
  <alias index="11" field="confidence" name="Confidence (probability)" />
  <alias index="12" field="conf_kind" name="Kind of confidence" />
  <alias index="13" field="conf_radius_m" name="Radius that the confidence speaks of, m" />
  <alias index="14" field="ce90_m" name="90 % within, m" />
  <alias index="15" field="acc95_m" name="95 % within, m" />
  <alias index="16" field="heading" name="Heading from north, degrees" />
  <alias index="17" field="heading_sd" name="Heading, standard deviation, degrees" />
  <alias index="18" field="pitch_deg" name="Pitch (-90 is down), degrees" />
  <alias index="19" field="pitch_sd_deg" name="Pitch, standard deviation, degrees" />
  <alias index="20" field="roll_deg" name="Roll, degrees" />
  <alias index="21" field="roll_sd_deg" name="Roll, standard deviation, degrees" />
  <alias index="22" field="height_m" name="Height above the ground, m" />
  <alias index="23" field="height_sd_m" name="Height, standard deviation, m" />
  <alias index="24" field="altitude_m" name="Altitude, m" />
  <alias index="25" field="hfov_deg" name="Horizontal field of view, degrees" />
  <alias index="26" field="hfov_sd_deg" name="Field of view, standard deviation, degrees" />
  <alias index="27" field="lens_kind" name="How the lens is known" />
  <alias index="28" field="distortion" name="Distortion of the lens" />
  <alias index="29" field="photo_width" name="Width of the photo, pixels" />
  <alias index="30" field="photo_height" name="Height of the photo, pixels" />
  <alias index="31" field="position_kind" name="What the point is" />
  <alias index="32" field="scene_longitude" name="Longitude of the photo's middle, degrees" />
  <alias index="33" field="scene_latitude" name="Latitude of the photo's middle, degrees" />
  <alias index="34" field="footprint" name="Outline on the ground" />
  <alias index="35" field="score" name="Score" />
  <alias index="36" field="margin" name="Lead over the next place" />
  <alias index="37" field="spread_m" name="Spread of the places, m" />
  <alias index="38" field="n_modes" name="Places that compete, number" />
  <alias index="39" field="n_inliers" name="Points that agree" />
  <alias index="40" field="candidates" name="Places that compete" />
  <alias index="41" field="control_points" name="Points that agree with the map" />
  <alias index="42" field="track" name="Track" />
  <alias index="43" field="track_position" name="Position in the track" />
  <alias index="44" field="from_track" name="Located by the track" />
  <alias index="45" field="single_status" name="Status of the photo alone" />
  <alias index="46" field="single_longitude" name="Longitude of the photo alone, degrees" />
  <alias index="47" field="single_latitude" name="Latitude of the photo alone, degrees" />
  <alias index="48" field="view" name="Kind of photo" />
  <alias index="49" field="tile_id" name="Best tile" />
  <alias index="50" field="tile_path" name="Best tile, file" />
  <alias index="51" field="tile_crs" name="Best tile, CRS" />
  <alias index="52" field="exif_lon" name="Longitude that the photo states, degrees" />
  <alias index="53" field="exif_lat" name="Latitude that the photo states, degrees" />
  <alias index="54" field="exif_dist_m" name="Distance from the photo's own GPS, m" />
  <alias index="55" field="prior_dist_m" name="Distance from the known position, m" />
  <alias index="56" field="error" name="Why not" />
  <alias index="57" field="correction" name="Correction, and what was before" />
  <alias index="58" field="model" name="Model" />
  <alias index="59" field="index_id" name="Index" />
  <alias index="60" field="run_id" name="Run" />
  <alias index="61" field="geoloc_version" name="Version of geoloc" />
  <alias index="62" field="options" name="Options" />
  <alias index="63" field="photo_size" name="Size of the file, bytes" />
  <alias index="64" field="photo_time" name="Time of the file" />
  <alias index="65" field="flight_log" name="Flight log" />
 </aliases>
 <attributeactions>
  <defaultAction key="Canvas" value="{6f0c6a1e-6c1b-4a53-9a0e-6d1f1f6e0a11}" />
  <actionsetting id="{6f0c6a1e-6c1b-4a53-9a0e-6d1f1f6e0a11}" name="Open photo" shortTitle="Open photo" type="5" capture="0" icon="" isEnabledOnlyWhenEditable="0" notificationMessage="" action="[% with_variable('moved', file_path(regexp_replace(layer_property(@layer_id, 'source'), '\\|.*', '')) || '/' || &quot;photo_rel&quot;, if(file_exists(&quot;photo&quot;) or not file_exists(@moved), &quot;photo&quot;, @moved)) %]">
   <actionScope id="Canvas" />
   <actionScope id="Feature" />
   <actionScope id="Field" />
  </actionsetting>
 </attributeactions>
 <editorlayout>tablayout</editorlayout>
 <attributeEditorForm>
  <attributeEditorContainer visibilityExpressionEnabled="0" name="Answer" groupBox="0" showLabel="1" visibilityExpression="" columnCount="1">
   <attributeEditorField name="status" showLabel="1" index="11" />
   <attributeEditorField name="confidence" showLabel="1" index="12" />
   <attributeEditorField name="conf_kind" showLabel="1" index="13" />
   <attributeEditorField name="conf_radius_m" showLabel="1" index="14" />
   <attributeEditorField name="ce90_m" showLabel="1" index="15" />
   <attributeEditorField name="acc95_m" showLabel="1" index="16" />
   <attributeEditorField name="longitude" showLabel="1" index="7" />
   <attributeEditorField name="latitude" showLabel="1" index="8" />
   <attributeEditorField name="position_kind" showLabel="1" index="32" />
   <attributeEditorField name="error" showLabel="1" index="57" />
   <attributeEditorField name="correction" showLabel="1" index="58" />
  </attributeEditorContainer>
  <attributeEditorContainer visibilityExpressionEnabled="0" name="Camera" groupBox="0" showLabel="1" visibilityExpression="" columnCount="1">
   <attributeEditorField name="heading" showLabel="1" index="17" />
   <attributeEditorField name="heading_sd" showLabel="1" index="18" />
   <attributeEditorField name="pitch_deg" showLabel="1" index="19" />
   <attributeEditorField name="pitch_sd_deg" showLabel="1" index="20" />
   <attributeEditorField name="roll_deg" showLabel="1" index="21" />
   <attributeEditorField name="roll_sd_deg" showLabel="1" index="22" />
   <attributeEditorField name="height_m" showLabel="1" index="23" />
   <attributeEditorField name="height_sd_m" showLabel="1" index="24" />
   <attributeEditorField name="altitude_m" showLabel="1" index="25" />
   <attributeEditorField name="hfov_deg" showLabel="1" index="26" />
   <attributeEditorField name="hfov_sd_deg" showLabel="1" index="27" />
   <attributeEditorField name="lens_kind" showLabel="1" index="28" />
   <attributeEditorField name="distortion" showLabel="1" index="29" />
   <attributeEditorField name="scene_longitude" showLabel="1" index="33" />
   <attributeEditorField name="scene_latitude" showLabel="1" index="34" />
  </attributeEditorContainer>
  <attributeEditorContainer visibilityExpressionEnabled="0" name="Photo" groupBox="0" showLabel="1" visibilityExpression="" columnCount="1">
   <attributeEditorField name="photo" showLabel="1" index="1" />
   <attributeEditorField name="filename" showLabel="1" index="2" />
   <attributeEditorField name="directory" showLabel="1" index="3" />
   <attributeEditorField name="photo_rel" showLabel="1" index="10" />
   <attributeEditorField name="timestamp" showLabel="1" index="9" />
   <attributeEditorField name="view" showLabel="1" index="49" />
   <attributeEditorField name="photo_width" showLabel="1" index="30" />
   <attributeEditorField name="photo_height" showLabel="1" index="31" />
   <attributeEditorField name="altitude" showLabel="1" index="4" />
   <attributeEditorField name="direction" showLabel="1" index="5" />
   <attributeEditorField name="rotation" showLabel="1" index="6" />
   <attributeEditorField name="exif_lon" showLabel="1" index="53" />
   <attributeEditorField name="exif_lat" showLabel="1" index="54" />
   <attributeEditorField name="exif_dist_m" showLabel="1" index="55" />
   <attributeEditorField name="flight_log" showLabel="1" index="66" />
  </attributeEditorContainer>
  <attributeEditorContainer visibilityExpressionEnabled="0" name="Evidence" groupBox="0" showLabel="1" visibilityExpression="" columnCount="1">
   <attributeEditorField name="score" showLabel="1" index="36" />
   <attributeEditorField name="margin" showLabel="1" index="37" />
   <attributeEditorField name="spread_m" showLabel="1" index="38" />
   <attributeEditorField name="n_modes" showLabel="1" index="39" />
   <attributeEditorField name="n_inliers" showLabel="1" index="40" />
   <attributeEditorField name="candidates" showLabel="1" index="41" />
   <attributeEditorField name="control_points" showLabel="1" index="42" />
   <attributeEditorField name="footprint" showLabel="1" index="35" />
   <attributeEditorField name="prior_dist_m" showLabel="1" index="56" />
   <attributeEditorField name="tile_id" showLabel="1" index="50" />
   <attributeEditorField name="tile_path" showLabel="1" index="51" />
   <attributeEditorField name="tile_crs" showLabel="1" index="52" />
  </attributeEditorContainer>
  <attributeEditorContainer visibilityExpressionEnabled="0" name="Track" groupBox="0" showLabel="1" visibilityExpression="" columnCount="1">
   <attributeEditorField name="track" showLabel="1" index="43" />
   <attributeEditorField name="track_position" showLabel="1" index="44" />
   <attributeEditorField name="from_track" showLabel="1" index="45" />
   <attributeEditorField name="single_status" showLabel="1" index="46" />
   <attributeEditorField name="single_longitude" showLabel="1" index="47" />
   <attributeEditorField name="single_latitude" showLabel="1" index="48" />
  </attributeEditorContainer>
  <attributeEditorContainer visibilityExpressionEnabled="0" name="Run" groupBox="0" showLabel="1" visibilityExpression="" columnCount="1">
   <attributeEditorField name="model" showLabel="1" index="59" />
   <attributeEditorField name="index_id" showLabel="1" index="60" />
   <attributeEditorField name="run_id" showLabel="1" index="61" />
   <attributeEditorField name="geoloc_version" showLabel="1" index="62" />
   <attributeEditorField name="options" showLabel="1" index="63" />
   <attributeEditorField name="photo_size" showLabel="1" index="64" />
   <attributeEditorField name="photo_time" showLabel="1" index="65" />
  </attributeEditorContainer>
 </attributeEditorForm>
 <mapTip>&lt;b&gt;[% "filename" %]&lt;/b&gt;: [% "status" %][% if("confidence" is null, '', ', ' || round("confidence" * 100) || ' % within ' ||
 round("conf_radius_m") || ' m (' || case when "confidence" &gt;= 0.97 then 'almost certain' when "confidence" &gt;= 0.8 then 'likely' when "confidence" &gt;= 0.5 then 'rather likely' else 'doubtful' end || ', ' || coalesce("conf_kind", '') || ')') %]&lt;br&gt;
[% if("acc95_m" is null, '', '95 % within ' || round("acc95_m", 1) || ' m&lt;br&gt;') %]
[% coalesce("error" || '&lt;br&gt;', '') %]
&lt;img src="[% with_variable('path', if(file_exists("photo"), "photo",
 with_variable('moved', file_path(regexp_replace(layer_property(@layer_id, 'source'), '\\|.*', '')) || '/' || "photo_rel", if(file_exists(@moved), @moved, "photo"))),
 with_variable('safe', replace(replace(replace(@path, '%', '%25'), '\\', if(left(@path, 1) = '/', '%5C', '/')),
 map(' ', '%20', '#', '%23', '?', '%3F', '"', '%22', '&amp;', '%26', '&lt;', '%3C', '&gt;', '%3E')),
 'file:' || case when left(@safe, 2) = '//' then '' when left(@safe, 1) = '/' then '//' else '///' end || @safe)) %]" width="350"&gt;</mapTip>
 <previewExpression>"filename"</previewExpression>
 <layerGeometryType>0</layerGeometryType>
</qgis>
