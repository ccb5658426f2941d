<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22.16-Białowieża" hasScaleBasedVisibilityFlag="1" styleCategories="Symbology|Labeling|Fields|Actions|MapTips|Rendering" simplifyMaxScale="1" simplifyLocal="1" symbologyReferenceScale="-1" maxScale="0" simplifyDrawingHints="1" simplifyDrawingTol="1" minScale="25000" labelsEnabled="1" simplifyAlgorithm="0">
 <renderer-v2 forceraster="0" type="singleSymbol" enableorderby="0" symbollevels="0" referencescale="-1">
  <symbols>
   <symbol alpha="1" type="marker" name="0" clip_to_extent="1" force_rhr="0">
    <data_defined_properties>
     <Option type="Map">
      <Option value="" type="QString" name="name" />
      <Option name="properties" />
      <Option value="collection" type="QString" name="type" />
     </Option>
    </data_defined_properties>
    <layer enabled="1" locked="0" class="GeometryGenerator" pass="0">
     <Option type="Map">
      <Option value="Line" type="QString" name="SymbolType" />
      <Option value="if(@map_scale &lt;= 20000, boundary(make_ellipse($geometry, &quot;ce90_m&quot;/(111320*cos(radians($y))), &quot;ce90_m&quot;/111133.0, 0)))" type="QString" name="geometryModifier" />
      <Option value="MapUnit" type="QString" name="units" />
     </Option>
     <prop k="SymbolType" v="Line" />
     <prop k="geometryModifier" v="if(@map_scale &lt;= 20000, boundary(make_ellipse($geometry, &quot;ce90_m&quot;/(111320*cos(radians($y))), &quot;ce90_m&quot;/111133.0, 0)))" />
     <prop k="units" v="MapUnit" />
     <data_defined_properties>
      <Option type="Map">
       <Option value="" type="QString" name="name" />
       <Option name="properties" />
       <Option value="collection" type="QString" name="type" />
      </Option>
     </data_defined_properties>
     <symbol alpha="1" type="line" name="@0@0" clip_to_extent="1" force_rhr="0">
      <data_defined_properties>
       <Option type="Map">
        <Option value="" type="QString" name="name" />
        <Option name="properties" />
        <Option value="collection" type="QString" name="type" />
       </Option>
      </data_defined_properties>
      <layer enabled="1" locked="0" class="SimpleLine" pass="0">
       <Option type="Map">
        <Option value="0" type="QString" name="align_dash_pattern" />
        <Option value="square" type="QString" name="capstyle" />
        <Option value="5;2" type="QString" name="customdash" />
        <Option value="MM" type="QString" name="customdash_unit" />
        <Option value="0" type="QString" name="dash_pattern_offset" />
        <Option value="MM" type="QString" name="dash_pattern_offset_unit" />
        <Option value="0" type="QString" name="draw_inside_polygon" />
        <Option value="bevel" type="QString" name="joinstyle" />
        <Option value="86,60,130,160" type="QString" name="line_color" />
        <Option value="dash" type="QString" name="line_style" />
        <Option value="0.25" type="QString" name="line_width" />
        <Option value="MM" type="QString" name="line_width_unit" />
        <Option value="0" type="QString" name="offset" />
        <Option value="MM" type="QString" name="offset_unit" />
        <Option value="0" type="QString" name="ring_filter" />
        <Option value="0" type="QString" name="trim_distance_end" />
        <Option value="MM" type="QString" name="trim_distance_end_unit" />
        <Option value="0" type="QString" name="trim_distance_start" />
        <Option value="MM" type="QString" name="trim_distance_start_unit" />
        <Option value="0" type="QString" name="tweak_dash_pattern_on_corners" />
        <Option value="0" type="QString" name="use_custom_dash" />
       </Option>
       <prop k="align_dash_pattern" v="0" />
       <prop k="capstyle" v="square" />
       <prop k="customdash" v="5;2" />
       <prop k="customdash_unit" v="MM" />
       <prop k="dash_pattern_offset" v="0" />
       <prop k="dash_pattern_offset_unit" v="MM" />
       <prop k="draw_inside_polygon" v="0" />
       <prop k="joinstyle" v="bevel" />
       <prop k="line_color" v="86,60,130,160" />
       <prop k="line_style" v="dash" />
       <prop k="line_width" v="0.25" />
       <prop k="line_width_unit" v="MM" />
       <prop k="offset" v="0" />
       <prop k="offset_unit" v="MM" />
       <prop k="ring_filter" v="0" />
       <prop k="trim_distance_end" v="0" />
       <prop k="trim_distance_end_unit" v="MM" />
       <prop k="trim_distance_start" v="0" />
       <prop k="trim_distance_start_unit" v="MM" />
       <prop k="tweak_dash_pattern_on_corners" v="0" />
       <prop k="use_custom_dash" v="0" />
       <data_defined_properties>
        <Option type="Map">
         <Option value="" type="QString" name="name" />
         <Option name="properties" />
         <Option value="collection" type="QString" name="type" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </layer>
    <layer enabled="1" locked="0" class="SimpleMarker" pass="0">
     <Option type="Map">
      <Option value="0" type="QString" name="angle" />
      <Option value="square" type="QString" name="cap_style" />
      <Option value="255,255,255,200" type="QString" name="color" />
      <Option value="1" type="QString" name="horizontal_anchor_point" />
      <Option value="bevel" type="QString" name="joinstyle" />
      <Option value="diamond" type="QString" name="name" />
      <Option value="0,0" type="QString" name="offset" />
      <Option value="MM" type="QString" name="offset_unit" />
      <Option value="86,60,130,255" type="QString" name="outline_color" />
      <Option value="solid" type="QString" name="outline_style" />
      <Option value="0.4" type="QString" name="outline_width" />
      <Option value="MM" type="QString" name="outline_width_unit" />
      <Option value="diameter" type="QString" name="scale_method" />
      <Option value="3.2" type="QString" name="size" />
      <Option value="MM" type="QString" name="size_unit" />
      <Option value="1" type="QString" name="vertical_anchor_point" />
     </Option>
     <prop k="angle" v="0" />
     <prop k="cap_style" v="square" />
     <prop k="color" v="255,255,255,200" />
     <prop k="horizontal_anchor_point" v="1" />
     <prop k="joinstyle" v="bevel" />
     <prop k="name" v="diamond" />
     <prop k="offset" v="0,0" />
     <prop k="offset_unit" v="MM" />
     <prop k="outline_color" v="86,60,130,255" />
     <prop k="outline_style" v="solid" />
     <prop k="outline_width" v="0.4" />
     <prop k="outline_width_unit" v="MM" />
     <prop k="scale_method" v="diameter" />
     <prop k="size" v="3.2" />
     <prop k="size_unit" v="MM" />
     <prop k="vertical_anchor_point" v="1" />
     <data_defined_properties>
      <Option type="Map">
       <Option value="" type="QString" name="name" />
       <Option type="Map" name="properties">
        <Option type="Map" name="fillColor">
         <Option value="true" type="bool" name="active" />
         <Option value="color_rgba(86,60,130,round(30+200*coalesce(&quot;probability&quot;,0)))" type="QString" name="expression" />
         <Option value="3" type="int" name="type" />
        </Option>
        <Option type="Map" name="size">
         <Option value="true" type="bool" name="active" />
         <Option value="if(&quot;rank&quot;=1,4,3)" type="QString" name="expression" />
         <Option value="3" type="int" name="type" />
        </Option>
       </Option>
       <Option value="collection" type="QString" name="type" />
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
   <text-style textOrientation="horizontal" fontStrikeout="0" legendString="Aa" blendMode="0" capitalization="0" fontItalic="0" fontSizeUnit="Point" fontUnderline="0" fontLetterSpacing="0" fontSize="8" namedStyle="" allowHtml="0" isExpression="1" fontWeight="50" fontKerning="1" textColor="50,30,90,255" textOpacity="1" fontWordSpacing="0" fieldName="&quot;rank&quot; || '  ' || format_number(100*&quot;probability&quot;,0) || ' %'" multilineHeight="1" fontSizeMapUnitScale="3x:0,0,0,0,0,0" previewBkgrdColor="255,255,255,255" useSubstitutions="0">
    <families />
    <text-buffer bufferSizeMapUnitScale="3x:0,0,0,0,0,0" bufferJoinStyle="128" bufferBlendMode="0" bufferNoFill="1" bufferColor="255,255,255,255" bufferOpacity="1" bufferDraw="1" bufferSize="0.80000000000000004" bufferSizeUnits="MM" />
    <text-mask maskedSymbolLayers="" maskEnabled="0" maskType="0" maskSize="1.5" maskSizeMapUnitScale="3x:0,0,0,0,0,0" maskJoinStyle="128" maskSizeUnits="MM" maskOpacity="1" />
    <background shapeOffsetMapUnitScale="3x:0,0,0,0,0,0" shapeRotation="0" shapeBorderColor="128,128,128,255" shapeRadiiUnit="MM" shapeOffsetUnit="MM" shapeJoinStyle="64" shapeDraw="0" shapeOpacity="1" shapeOffsetY="0" shapeSizeType="0" shapeRadiiX="0" shapeType="0" shapeBorderWidthUnit="MM" shapeBlendMode="0" shapeRadiiMapUnitScale="3x:0,0,0,0,0,0" shapeSizeUnit="MM" shapeRadiiY="0" shapeSVGFile="" shapeBorderWidth="0" shapeBorderWidthMapUnitScale="3x:0,0,0,0,0,0" shapeSizeY="0" shapeSizeMapUnitScale="3x:0,0,0,0,0,0" shapeOffsetX="0" shapeFillColor="255,255,255,255" shapeSizeX="0" shapeRotationType="0">
     <symbol alpha="1" type="fill" name="fillSymbol" clip_to_extent="1" force_rhr="0">
      <data_defined_properties>
       <Option type="Map">
        <Option value="" type="QString" name="name" />
        <Option name="properties" />
        <Option value="collection" type="QString" name="type" />
       </Option>
      </data_defined_properties>
      <layer enabled="1" locked="0" class="SimpleFill" pass="0">
       <Option type="Map">
        <Option value="255,255,255,255" type="QString" name="color" />
        <Option value="bevel" type="QString" name="joinstyle" />
        <Option value="0,0" type="QString" name="offset" />
        <Option value="MM" type="QString" name="offset_unit" />
        <Option value="128,128,128,255" type="QString" name="outline_color" />
        <Option value="no" type="QString" name="outline_style" />
        <Option value="0" type="QString" name="outline_width" />
        <Option value="MM" type="QString" name="outline_width_unit" />
        <Option value="solid" type="QString" name="style" />
       </Option>
       <prop k="color" v="255,255,255,255" />
       <prop k="joinstyle" v="bevel" />
       <prop k="offset" v="0,0" />
       <prop k="offset_unit" v="MM" />
       <prop k="outline_color" v="128,128,128,255" />
       <prop k="outline_style" v="no" />
       <prop k="outline_width" v="0" />
       <prop k="outline_width_unit" v="MM" />
       <prop k="style" v="solid" />
       <data_defined_properties>
        <Option type="Map">
         <Option value="" type="QString" name="name" />
         <Option name="properties" />
         <Option value="collection" type="QString" name="type" />
        </Option>
       </data_defined_properties>
      </layer>
     </symbol>
    </background>
    <shadow shadowColor="0,0,0,255" shadowOffsetUnit="MM" shadowRadiusUnit="MM" shadowOffsetDist="1" shadowUnder="0" shadowOffsetGlobal="1" shadowRadius="1.5" shadowRadiusMapUnitScale="3x:0,0,0,0,0,0" shadowRadiusAlphaOnly="0" shadowDraw="0" shadowOpacity="0.69999999999999996" shadowBlendMode="6" shadowOffsetAngle="135" shadowScale="100" shadowOffsetMapUnitScale="3x:0,0,0,0,0,0" />
    <dd_properties>
     <Option type="Map">
      <Option value="" type="QString" name="name" />
      <Option name="properties" />
      <Option value="collection" type="QString" name="type" />
     </Option>
    </dd_properties>
    <substitutions />
   </text-style>
   <text-format reverseDirectionSymbol="0" multilineAlign="3" decimals="3" formatNumbers="0" autoWrapLength="0" addDirectionSymbol="0" placeDirectionSymbol="0" leftDirectionSymbol="&lt;" plussign="0" wrapChar="" useMaxLineLengthForAutoWrap="1" rightDirectionSymbol="&gt;" />
   <placement maxCurvedCharAngleIn="25" repeatDistanceUnits="MM" fitInPolygonOnly="0" geometryGeneratorEnabled="0" dist="1" placement="6" priority="5" repeatDistance="0" rotationUnit="AngleDegrees" maxCurvedCharAngleOut="-25" lineAnchorClipping="0" preserveRotation="1" centroidInside="0" offsetType="0" predefinedPositionOrder="TR,TL,BR,BL,R,L,TSR,BSR" yOffset="0" lineAnchorPercent="0.5" placementFlags="10" xOffset="0" repeatDistanceMapUnitScale="3x:0,0,0,0,0,0" centroidWhole="0" lineAnchorType="0" offsetUnits="MM" overrunDistanceUnit="MM" geometryGenerator="" geometryGeneratorType="PointGeometry" distMapUnitScale="3x:0,0,0,0,0,0" labelOffsetMapUnitScale="3x:0,0,0,0,0,0" layerType="UnknownGeometry" distUnits="MM" overrunDistanceMapUnitScale="3x:0,0,0,0,0,0" quadOffset="4" overrunDistance="0" polygonPlacementFlags="2" rotationAngle="0" />
   <rendering upsidedownLabels="0" scaleMax="10000" unplacedVisibility="0" minFeatureSize="0" obstacleType="1" fontMinPixelSize="0" zIndex="0" mergeLines="0" fontLimitPixelSize="0" drawLabels="1" fontMaxPixelSize="10000" scaleVisibility="1" obstacle="1" obstacleFactor="1" scaleMin="0" labelPerPart="0" displayAll="0" limitNumLabels="0" maxNumLabels="2000" />
   <dd_properties>
    <Option type="Map">
     <Option value="" type="QString" name="name" />
     <Option name="properties" />
     <Option value="collection" type="QString" name="type" />
    </Option>
   </dd_properties>
   <callout type="simple">
    <Option type="Map">
     <Option value="pole_of_inaccessibility" type="QString" name="anchorPoint" />
     <Option value="0" type="int" name="blendMode" />
     <Option type="Map" name="ddProperties">
      <Option value="" type="QString" name="name" />
      <Option name="properties" />
      <Option value="collection" type="QString" name="type" />
     </Option>
     <Option value="false" type="bool" name="drawToAllParts" />
     <Option value="0" type="QString" name="enabled" />
     <Option value="point_on_exterior" type="QString" name="labelAnchorPoint" />
     <Option value="&lt;symbol alpha=&quot;1&quot; type=&quot;line&quot; name=&quot;symbol&quot; clip_to_extent=&quot;1&quot; force_rhr=&quot;0&quot;&gt;&lt;data_defined_properties&gt;&lt;Option type=&quot;Map&quot;&gt;&lt;Option value=&quot;&quot; type=&quot;QString&quot; name=&quot;name&quot;/&gt;&lt;Option name=&quot;properties&quot;/&gt;&lt;Option value=&quot;collection&quot; type=&quot;QString&quot; name=&quot;type&quot;/&gt;&lt;/Option&gt;&lt;/data_defined_properties&gt;&lt;layer enabled=&quot;1&quot; locked=&quot;0&quot; class=&quot;SimpleLine&quot; pass=&quot;0&quot;&gt;&lt;Option type=&quot;Map&quot;&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;align_dash_pattern&quot;/&gt;&lt;Option value=&quot;square&quot; type=&quot;QString&quot; name=&quot;capstyle&quot;/&gt;&lt;Option value=&quot;5;2&quot; type=&quot;QString&quot; name=&quot;customdash&quot;/&gt;&lt;Option value=&quot;3x:0,0,0,0,0,0&quot; type=&quot;QString&quot; name=&quot;customdash_map_unit_scale&quot;/&gt;&lt;Option value=&quot;MM&quot; type=&quot;QString&quot; name=&quot;customdash_unit&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;dash_pattern_offset&quot;/&gt;&lt;Option value=&quot;3x:0,0,0,0,0,0&quot; type=&quot;QString&quot; name=&quot;dash_pattern_offset_map_unit_scale&quot;/&gt;&lt;Option value=&quot;MM&quot; type=&quot;QString&quot; name=&quot;dash_pattern_offset_unit&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;draw_inside_polygon&quot;/&gt;&lt;Option value=&quot;bevel&quot; type=&quot;QString&quot; name=&quot;joinstyle&quot;/&gt;&lt;Option value=&quot;60,60,60,255&quot; type=&quot;QString&quot; name=&quot;line_color&quot;/&gt;&lt;Option value=&quot;solid&quot; type=&quot;QString&quot; name=&quot;line_style&quot;/&gt;&lt;Option value=&quot;0.3&quot; type=&quot;QString&quot; name=&quot;line_width&quot;/&gt;&lt;Option value=&quot;MM&quot; type=&quot;QString&quot; name=&quot;line_width_unit&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;offset&quot;/&gt;&lt;Option value=&quot;3x:0,0,0,0,0,0&quot; type=&quot;QString&quot; name=&quot;offset_map_unit_scale&quot;/&gt;&lt;Option value=&quot;MM&quot; type=&quot;QString&quot; name=&quot;offset_unit&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;ring_filter&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;trim_distance_end&quot;/&gt;&lt;Option value=&quot;3x:0,0,0,0,0,0&quot; type=&quot;QString&quot; name=&quot;trim_distance_end_map_unit_scale&quot;/&gt;&lt;Option value=&quot;MM&quot; type=&quot;QString&quot; name=&quot;trim_distance_end_unit&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;trim_distance_start&quot;/&gt;&lt;Option value=&quot;3x:0,0,0,0,0,0&quot; type=&quot;QString&quot; name=&quot;trim_distance_start_map_unit_scale&quot;/&gt;&lt;Option value=&quot;MM&quot; type=&quot;QString&quot; name=&quot;trim_distance_start_unit&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;tweak_dash_pattern_on_corners&quot;/&gt;&lt;Option value=&quot;0&quot; type=&quot;QString&quot; name=&quot;use_custom_dash&quot;/&gt;&lt;Option value=&quot;3x:0,0,0,0,0,0&quot; type=&quot;QString&quot; name=&quot;width_map_unit_scale&quot;/&gt;&lt;/Option&gt;&lt;prop k=&quot;align_dash_pattern&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;capstyle&quot; v=&quot;square&quot;/&gt;&lt;prop k=&quot;customdash&quot; v=&quot;5;2&quot;/&gt;&lt;prop k=&quot;customdash_map_unit_scale&quot; v=&quot;3x:0,0,0,0,0,0&quot;/&gt;&lt;prop k=&quot;customdash_unit&quot; v=&quot;MM&quot;/&gt;&lt;prop k=&quot;dash_pattern_offset&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;dash_pattern_offset_map_unit_scale&quot; v=&quot;3x:0,0,0,0,0,0&quot;/&gt;&lt;prop k=&quot;dash_pattern_offset_unit&quot; v=&quot;MM&quot;/&gt;&lt;prop k=&quot;draw_inside_polygon&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;joinstyle&quot; v=&quot;bevel&quot;/&gt;&lt;prop k=&quot;line_color&quot; v=&quot;60,60,60,255&quot;/&gt;&lt;prop k=&quot;line_style&quot; v=&quot;solid&quot;/&gt;&lt;prop k=&quot;line_width&quot; v=&quot;0.3&quot;/&gt;&lt;prop k=&quot;line_width_unit&quot; v=&quot;MM&quot;/&gt;&lt;prop k=&quot;offset&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;offset_map_unit_scale&quot; v=&quot;3x:0,0,0,0,0,0&quot;/&gt;&lt;prop k=&quot;offset_unit&quot; v=&quot;MM&quot;/&gt;&lt;prop k=&quot;ring_filter&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;trim_distance_end&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;trim_distance_end_map_unit_scale&quot; v=&quot;3x:0,0,0,0,0,0&quot;/&gt;&lt;prop k=&quot;trim_distance_end_unit&quot; v=&quot;MM&quot;/&gt;&lt;prop k=&quot;trim_distance_start&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;trim_distance_start_map_unit_scale&quot; v=&quot;3x:0,0,0,0,0,0&quot;/&gt;&lt;prop k=&quot;trim_distance_start_unit&quot; v=&quot;MM&quot;/&gt;&lt;prop k=&quot;tweak_dash_pattern_on_corners&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;use_custom_dash&quot; v=&quot;0&quot;/&gt;&lt;prop k=&quot;width_map_unit_scale&quot; v=&quot;3x:0,0,0,0,0,0&quot;/&gt;&lt;data_defined_properties&gt;&lt;Option type=&quot;Map&quot;&gt;&lt;Option value=&quot;&quot; type=&quot;QString&quot; name=&quot;name&quot;/&gt;&lt;Option name=&quot;properties&quot;/&gt;&lt;Option value=&quot;collection&quot; type=&quot;QString&quot; name=&quot;type&quot;/&gt;&lt;/Option&gt;&lt;/data_defined_properties&gt;&lt;/layer&gt;&lt;/symbol&gt;" type="QString" name="lineSymbol" />
     <Option value="0" type="double" name="minLength" />
     <Option value="MM" type="QString" name="minLengthUnit" />
     <Option value="0" type="double" name="offsetFromAnchor" />
     <Option value="MM" type="QString" name="offsetFromAnchorUnit" />
     <Option value="0" type="double" name="offsetFromLabel" />
     <Option value="MM" type="QString" name="offsetFromLabelUnit" />
    </Option>
   </callout>
  </settings>
 </labeling>
 <blendMode>0</blendMode>
 <featureBlendMode>0</featureBlendMode>
 <layerOpacity>1</layerOpacity>
 <aliases>
  <alias name="" index="0" field="fid" />
  <alias name="Row of the photo" index="1" field="photo_fid" />
  <alias name="Photo" index="2" field="photo" />
  <alias name="Rank" index="3" field="rank" />
  <alias name="Probability" index="4" field="probability" />
  <alias name="Radius, 90 % (m)" index="5" field="ce90_m" />
 </aliases>
 <attributeactions>
  <defaultAction key="Canvas" value="{c7a4f5ce-0c7b-4a39-8f7e-0a4b1d3c3b33}" />
  <actionsetting id="{c7a4f5ce-0c7b-4a39-8f7e-0a4b1d3c3b33}" name="Open photo" shortTitle="Open photo" type="5" capture="0" icon="" isEnabledOnlyWhenEditable="0" notificationMessage="" action="[% &quot;photo&quot; %]">
   <actionScope id="Canvas" />
   <actionScope id="Feature" />
   <actionScope id="Field" />
  </actionsetting>
 </attributeactions>
 <mapTip>&lt;b&gt;[% replace(replace("photo",'&amp;','&amp;amp;'),'&lt;','&amp;lt;') %]&lt;/b&gt;&lt;br&gt;Place [% "rank" %]: [% format_number(100*"probability",0) %] % likely, within [% format_number("ce90_m",0) %] m</mapTip>
 <layerGeometryType>0</layerGeometryType>
</qgis>
